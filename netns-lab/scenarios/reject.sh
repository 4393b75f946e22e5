#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A refused sender is told at once: TCP by a reset, UDP by an ICMP error.
. "$(dirname "$0")/../lab"

try_reject() {
    rule 1101 reject 'tcp.dstport == 23'
    rule 1102 reject 'udp.dstport == 5001'
    sluice_conf
    start_sluice
    expect_refused tcp 23
    expect_refused udp 5001
    expect_pass tcp 80
    expect_pass udp 80
    expect_event 1101 alert.action=blocked
    expect_event 1102 alert.action=blocked
    expect_stat packets.rejected '>= 4'
    expect_valid_events
}

start_bridge
start_echo 23 80 5001
try_reject
