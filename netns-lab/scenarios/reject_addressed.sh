#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same where the bridge has an address of its own.
. "$(dirname "$0")/../lab"

start_bridge addressed
start_echo 23 80 5001
rule 1101 reject 'tcp.dstport == 23'
rule 1102 reject 'udp.dstport == 5001'
sluice_conf
start_sluice
expect_refused tcp 23
expect_refused udp 5001
expect_pass tcp 80
expect_event 1101 alert.action=blocked
expect_event 1102 alert.action=blocked
