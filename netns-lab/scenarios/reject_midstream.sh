#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An attack in an open connection is reset as well.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80
rule 1111 reject 'tcp.dstport == 80 and payload contains "shellshock"'
sluice_conf
start_sluice
expect_pass tcp 80 'harmless'
expect_refused tcp 80 'User-Agent: shellshock'
expect_event 1111 alert.action=blocked
