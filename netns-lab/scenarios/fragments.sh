#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Datagrams of several fragments: good ones arrive whole, named ones do not.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 5001
rule 1301 drop 'udp.dstport == 5001 and payload contains "evil"'
sluice_conf
start_sluice
expect_pass udp 5001 'good' -z 4000
expect_pass udp 5001 'good' -z 1472
expect_pass udp 5001 'good' -z 9000
expect_drop udp 5001 'evil' -z 4000
expect_event 1301
expect_pass udp 5001 'good' -z 4000
