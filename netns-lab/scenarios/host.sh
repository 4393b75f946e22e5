#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sluiced on the server itself, at hook input.
. "$(dirname "$0")/../lab"

start_host
start_echo 23 80 5001
rule 3401 drop 'tcp.dstport == 23'
rule 3402 reject 'udp.dstport == 5001 or tcp.dstport == 5001'
rule 3403 drop 'payload contains "evil"'
sluice_conf
start_sluice
expect_ping 4
expect_ping 6
expect_pass tcp 80
expect_pass udp 80
expect_drop tcp 23
expect_refused tcp 5001
expect_refused udp 5001
expect_drop tcp 80 'evil'
expect_event 3401 alert.action=blocked in_iface=eth0
stop_sluice
expect_pass tcp 23
