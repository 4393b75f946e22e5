# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2034 # sluice.sh uses them
# Namespaces and what joins them. All veth pairs are born inside a namespace.
#
#   bridge   client(s) ── out0 [br0 in the box] in0 ── server     one subnet
#   routed   client ── out0 [box] in0 ── server                   two subnets
#   host     client ── server, with sluiced on the server

CLIENT_NS=$LAB_TAG-client
CLIENT2_NS=$LAB_TAG-client2
BOX_NS=$LAB_TAG-box
SERVER_NS=$LAB_TAG-server
CLIENT4=10.77.0.1 CLIENT6=fd77::1
CLIENT24=10.77.0.3 CLIENT26=fd77::3
SERVER4=10.77.0.2 SERVER6=fd77::2
BOX4=10.77.0.254 BOX6=fd77::fe
# Further addresses of the client, answered for without being configured one by one.
MANY4=10.77.64.0
HOOK=forward
FAMILY=$LAB_FAMILY
INTERFACES='{ name = "out0"; side = "outside"; }, { name = "in0"; side = "inside"; }'

in_client() { ip netns exec "$CLIENT_NS" "$@"; }
in_client2() { ip netns exec "$CLIENT2_NS" "$@"; }
in_box() { ip netns exec "$BOX_NS" "$@"; }
in_server() { ip netns exec "$SERVER_NS" "$@"; }

# set_switch NAMESPACE NAME VALUE...: sysctls of a namespace, where they exist.
set_switches() {
    local ns=$1
    shift
    # shellcheck disable=SC2016 # for the inner shell
    ip netns exec "$ns" bash -c 'while (($#)); do [[ ! -e /proc/sys/net/$1 ]] || echo "$2" >/proc/sys/net/$1; shift 2; done' _ "$@"
}

# No address that we did not give: their chatter would be in the counts.
add_namespace() {
    ip netns add "$1" || fail "cannot add namespace $1"
    set_switches "$1" ipv6/conf/default/addr_gen_mode 1 ipv6/conf/default/accept_dad 0 ipv6/conf/default/accept_ra 0 \
        ipv6/conf/all/accept_ra 0 ipv4/icmp_ratelimit 0 ipv4/icmp_msgs_per_sec 100000 ipv6/icmp/ratelimit 0
    ip -n "$1" link set lo up
}

# join NAMESPACE NAME OTHER_NAMESPACE OTHER_NAME: a cable.
join_by_veth() {
    ip -n "$1" link add "$2" type veth peer name "$4" netns "$3" || fail "cannot join $1 and $3"
    ip -n "$1" link set "$2" up
    ip -n "$3" link set "$4" up
}

# give NAMESPACE INTERFACE ADDRESS...
give() {
    local ns=$1 dev=$2 address
    shift 2
    for address; do
        if [[ $address == *:* ]]; then
            ip -n "$ns" addr add "$address" dev "$dev" nodad
        else
            ip -n "$ns" addr add "$address" dev "$dev"
        fi
    done
}

wait_for_link() {
    patiently 10 in_client ping -q -c 1 -W 1 "$SERVER4" >/dev/null || fail "the client does not reach the server"
    patiently 10 in_client ping -q -c 1 -W 1 "$SERVER6" >/dev/null || fail "the client does not reach the server by IPv6"
}

# start_bridge [addressed] [two_clients]
start_bridge() {
    local option
    for option in "$CLIENT_NS" "$BOX_NS" "$SERVER_NS"; do
        add_namespace "$option"
    done
    ip -n "$BOX_NS" link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0 || fail "no bridge here"
    ip -n "$BOX_NS" link set br0 up
    join_by_veth "$BOX_NS" out0 "$CLIENT_NS" eth0
    join_by_veth "$BOX_NS" in0 "$SERVER_NS" eth0
    ip -n "$BOX_NS" link set out0 master br0
    ip -n "$BOX_NS" link set in0 master br0
    give "$CLIENT_NS" eth0 $CLIENT4/16 $CLIENT6/64
    give "$SERVER_NS" eth0 $SERVER4/16 $SERVER6/64
    ip -n "$CLIENT_NS" route add local $MANY4/22 dev lo
    for option; do
        case $option in
        addressed) give "$BOX_NS" br0 $BOX4/16 $BOX6/64 ;;
        two_clients) add_second_client ;;
        *) fail "start_bridge: $option?" ;;
        esac
    done
    wait_for_link
}

add_second_client() {
    add_namespace "$CLIENT2_NS"
    join_by_veth "$BOX_NS" out1 "$CLIENT2_NS" eth0
    ip -n "$BOX_NS" link set out1 master br0
    give "$CLIENT2_NS" eth0 $CLIENT24/16 $CLIENT26/64
    INTERFACES+=', { name = "out1"; side = "outside"; }'
}

# What routes or ends here cannot be diverted in family bridge.
start_routed() {
    local ns
    FAMILY=inet
    SERVER4=10.78.0.2 SERVER6=fd78::2
    for ns in "$CLIENT_NS" "$BOX_NS" "$SERVER_NS"; do
        add_namespace "$ns"
    done
    join_by_veth "$BOX_NS" out0 "$CLIENT_NS" eth0
    join_by_veth "$BOX_NS" in0 "$SERVER_NS" eth0
    give "$CLIENT_NS" eth0 $CLIENT4/16 $CLIENT6/64
    give "$SERVER_NS" eth0 $SERVER4/16 $SERVER6/64
    give "$BOX_NS" out0 $BOX4/16 $BOX6/64
    give "$BOX_NS" in0 10.78.0.254/16 fd78::fe/64
    # A router asks for its neighbours from its link-local address.
    give "$BOX_NS" out0 fe80::1/64
    give "$BOX_NS" in0 fe80::2/64
    set_switches "$BOX_NS" ipv4/ip_forward 1 ipv6/conf/all/forwarding 1
    ip -n "$CLIENT_NS" route add default via $BOX4
    ip -n "$CLIENT_NS" route add default via $BOX6
    ip -n "$SERVER_NS" route add default via 10.78.0.254
    ip -n "$SERVER_NS" route add default via fd78::fe
    wait_for_link
}

start_host() {
    FAMILY=inet
    HOOK=input
    INTERFACES='{ name = "eth0"; side = "outside"; }'
    BOX_NS=$SERVER_NS
    add_namespace "$CLIENT_NS"
    add_namespace "$SERVER_NS"
    join_by_veth "$SERVER_NS" eth0 "$CLIENT_NS" eth0
    give "$CLIENT_NS" eth0 $CLIENT4/16 $CLIENT6/64
    give "$SERVER_NS" eth0 $SERVER4/16 $SERVER6/64
    wait_for_link
}

# add_vlan ID: a tagged subnet between client and server; skips where the kernel has no VLAN devices.
add_vlan() {
    local id=$1
    ip -n "$CLIENT_NS" link add link eth0 name "vlan$id" type vlan id "$id" 2>/dev/null || skip "this kernel has no VLAN devices"
    ip -n "$SERVER_NS" link add link eth0 name "vlan$id" type vlan id "$id"
    ip -n "$CLIENT_NS" link set "vlan$id" up
    ip -n "$SERVER_NS" link set "vlan$id" up
    give "$CLIENT_NS" "vlan$id" 10.79.0.1/16 fd79::1/64
    give "$SERVER_NS" "vlan$id" 10.79.0.2/16 fd79::2/64
    SERVER4=10.79.0.2 SERVER6=fd79::2
    wait_for_link
}
