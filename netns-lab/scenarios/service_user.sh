#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: as the service runs it, no root but two capabilities: it filters, refuses, counts, reloads, and stops without a loss.
. "$(dirname "$0")/../lab"

# A copy, for the tree may lie where only root can look.
install -m 755 "$SLUICED" "$LAB_DIR/sluiced.bin"
cat >"$LAB_DIR/as_service" <<RUN
#!/bin/bash
exec setpriv --reuid 65534 --regid 65534 --groups 0 --no-new-privs \\
    --inh-caps -all,+net_admin,+net_raw --ambient-caps -all,+net_admin,+net_raw \\
    --bounding-set -all,+net_admin,+net_raw "$LAB_DIR/sluiced.bin" "\$@"
RUN
chmod 755 "$LAB_DIR/as_service"
chmod 777 "$LAB_DIR"
SLUICED=$LAB_DIR/as_service

start_bridge
start_echo 80 81
start_sink 9000
rule 1601 reject 'tcp.dstport == 81'
sluice_conf on_stop=open queue=all
start_sluice
said 'cannot be counted' && fail "it cannot read the kernel's queue figures"
grep -q '^Uid:.65534' "/proc/$SLUICE_PID/status" || fail "it runs as root"
expect_pass tcp 80
expect_refused tcp 81
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 10000 1500)" -f 16 -s "$MANY4" -m 16
reload_sluice
ask_sink
patiently 10 sink_has $((REPORT[good] + 300)) || fail "traffic stands still after the reload"
expect_stat packets.bypassed '== 0'
stop_sluice
ask_sink
patiently 10 sink_has $((REPORT[good] + 300)) || fail "traffic stands still after the stop"
end_packets
expect_arrived
