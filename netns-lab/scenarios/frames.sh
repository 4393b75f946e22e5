#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# On a bridge: ARP passes, a forged claim of a configured address does not; unknown EtherTypes by choice.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80
MAC=$(in_server cat /sys/class/net/eth0/address)
send_frames() { # send_frames WHAT: frames from the client, counted at the server
    in_client /usr/bin/python3 -I "$LAB_HOME/lib/frames.py" send eth0 "$1" "$SERVER4" "$CLIENT4"
}
in_background hear ip netns exec "$SERVER_NS" /usr/bin/python3 -I "$LAB_HOME/lib/frames.py" hear eth0 "$LAB_DIR/heard"
patiently 5 test -e "$LAB_DIR/heard" || fail "nobody listens"
heard() { grep -c -e "^$1$" "$LAB_DIR/heard" || true; }
rule 4901 drop 'tcp.dstport == 23'
sluice_conf
start_sluice
arrived() { # arrived WHAT...: each of them
    local kind
    for kind; do
        (($(heard "$kind") > 0)) || return 1
    done
}
for what in forged-arp honest-arp other-ethertype lldp; do
    send_frames "$what"
    patiently 5 arrived "$what" || fail "$what does not pass by default"
done
: >"$LAB_DIR/heard"

say 'one address has its MAC, and what is neither IP nor LLDP stays outside'
sluice_conf more="frames: { arp = ( { address = \"$SERVER4\"; mac = \"$MAC\"; } ); ethertypes = [ 0x88cc ]; others = \"closed\"; };"
reload_sluice
for what in forged-arp other-ethertype honest-arp lldp; do
    send_frames "$what"
done
patiently 5 arrived honest-arp lldp || fail "what is honest does not pass: $(<"$LAB_DIR/heard")"
expect_figure 'forged ARP that passed' "$(heard forged-arp)" '== 0'
expect_figure 'other EtherTypes that passed' "$(heard other-ethertype)" '== 0'
expect_pass tcp 80
expect_stat kernel.frames_arp '>= 1'
expect_stat kernel.frames_other '>= 1'

say 'stop takes it along'
stop_sluice
! in_box nft list table bridge sluice_frames >/dev/null 2>&1 || fail "the table of frames is still there"
