#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# VLAN-tagged traffic is inspected like any other, and its tag can be a condition.
# needs VLAN devices
. "$(dirname "$0")/../lab"

start_bridge
add_vlan 42
start_echo 23 80 5001
rule 1201 drop 'vlan.id == 42 and tcp.dstport == 23'
rule 1202 drop 'payload contains "evil"'
rule 1203 drop 'vlan.id == 43'
rule 1204 reject 'tcp.dstport == 5001'
sluice_conf
start_sluice
expect_ping 4
expect_ping 6
expect_pass tcp 80
expect_drop tcp 23
expect_drop udp 80 'evil words'
expect_refused tcp 5001
expect_event 1201
expect_event 1202
expect_no_event 1203
expect_valid_events
