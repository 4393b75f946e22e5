#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A packet that cannot be decided within the limits (a regex that runs away): on_memory holds.
. "$(dirname "$0")/../lab"

runaway=$(printf 'a%.0s' {1..60})b
start_bridge
start_echo 80
# A look-ahead: only PCRE2 can tell, in steps.
rule 3801 drop 'payload matches "^(?=(?:a|a)+$)a"'
sluice_conf on_memory=closed regex_steps=1000
start_sluice
expect_pass udp 80 'harmless'
expect_drop udp 80 "$runaway"
expect_stat packets.undecided '>= 2'

say 'and open'
sluice_conf on_memory=open
reload_sluice
expect_pass udp 80 "$runaway"
expect_drop udp 80 'aaaa'
expect_pass udp 80 'harmless'
expect_valid_events
