#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What is not a guarded service never leaves the kernel.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 22 80 5001
rule 2801 drop 'tcp or udp'
sluice_conf services='{ proto = "tcp"; ports = ( 80, "5000-5002" ); }'
start_sluice
expect_ping 4
expect_ping 6
expect_pass tcp 22
expect_pass udp 80
expect_stat packets.received '== 0'
expect_drop tcp 80
expect_drop tcp 5001
expect_stat packets.received '== 0'

say 'the same in user space'
SERVICES=${SETTING[services]}
sluice_conf queue=all services="$SERVICES"
reload_sluice
expect_ping 4
expect_pass tcp 22
expect_pass udp 80
expect_stat packets.received '== 0'
expect_drop tcp 80
expect_drop tcp 5001
expect_stat packets.received '>= 4'
