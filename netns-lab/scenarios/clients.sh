#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: ping, iperf3 and hping3 as people use them; workers that gather packets, each on its CPU.
. "$(dirname "$0")/../lab"

for tool in ping iperf3 hping3; do
    command -v "$tool" >/dev/null || skip "no $tool"
done
start_bridge
start_echo 23 80
rule 3601 drop 'tcp.dstport == 23'
rule 3602 drop 'icmp.type == 8 and packet.len > 1000'
sluice_conf pin=true
start_sluice

say workers
for thread in "/proc/$SLUICE_PID/task"/*; do
    [[ $(<"$thread/comm") == queue* ]] || continue
    policy=$(chrt -p "${thread##*/}") cpus=$(taskset -cp "${thread##*/}")
    [[ $policy == *SCHED_BATCH* ]] || fail "$(<"$thread/comm"): $policy"
    [[ $cpus =~ :\ [0-9]+$ ]] || fail "$(<"$thread/comm"): $cpus"
    workers=$((${workers:-0} + 1))
done
((${workers:-0} == 2)) || fail "${workers:-0} workers"

say ping
in_client ping -q -c 20 -i "$(scaled 0.02 0.2)" "$SERVER4" >"$LAB_DIR/ping.log" || fail "ping"
grep -q ' 0% packet loss' "$LAB_DIR/ping.log" || fail "ping: $(grep loss "$LAB_DIR/ping.log")"
in_client ping -q -c 1 -W 1 -s 1200 "$SERVER4" >/dev/null && fail "a big ping passes"
expect_event 3602 icmp_type=8

say iperf3
in_background iperf3 ip netns exec "$SERVER_NS" iperf3 -s
iperf_works() {
    in_client iperf3 -c "$SERVER4" -t "$(scaled 2 3)" -P 2 -J >"$LAB_DIR/iperf.json" 2>&1 || return
    # With -J its status says nothing.
    grep -q sum_received "$LAB_DIR/iperf.json"
}
patiently 20 iperf_works || fail "iperf3"
rate=$(json_get end.sum_received.bits_per_second <"$LAB_DIR/iperf.json")
expect_figure 'Mbit/s' $((${rate%%.*} / 1000000)) "> $(scaled 200 5)"

say hping3
in_client hping3 -q -c 3 -i u20000 -S -p 80 "$SERVER4" >"$LAB_DIR/hping.log" 2>&1 || fail "hping3 to an open port gets no answer"
in_client timeout "$(scaled 3 20)" hping3 -q -c 2 -i u20000 -S -p 23 "$SERVER4" >"$LAB_DIR/hping.log" 2>&1 && fail "hping3 to a closed port gets an answer"
expect_event 3601
expect_sluice_alive
