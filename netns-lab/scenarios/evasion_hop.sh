#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: evasion_tcp and evasion_http show it there
# alone: answers are timed
# Some of each kind of disguise, with a router between the bridge and the servers:
# what has a low TTL dies there, behind sluiced and before the server.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

# add_hop: the servers move behind SERVER_NS, which routes.
add_hop() {
    SERVERS_NS=$LAB_TAG-inner
    add_namespace "$SERVERS_NS"
    join_by_veth "$SERVER_NS" eth1 "$SERVERS_NS" eth0
    give "$SERVER_NS" eth1 10.78.0.254/16 fd78::fe/64 fe80::2/64
    give "$SERVER_NS" eth0 fe80::1/64
    give "$SERVERS_NS" eth0 10.78.0.2/16 fd78::2/64
    set_switches "$SERVER_NS" ipv4/ip_forward 1 ipv6/conf/all/forwarding 1
    ip -n "$CLIENT_NS" route add default via "$SERVER4"
    ip -n "$CLIENT_NS" route add default via "$SERVER6"
    ip -n "$SERVERS_NS" route add default via 10.78.0.254
    ip -n "$SERVERS_NS" route add default via fd78::fe
    SERVER4=10.78.0.2 SERVER6=fd78::2
    wait_for_link
}

start_bridge
add_hop
start_evasion_servers
silence_client
evasion_suite few hop
