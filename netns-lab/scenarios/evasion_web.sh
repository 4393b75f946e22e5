#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: evasion_tcp and evasion_http show it there
# alone: answers are timed
# The disguises of ordinary attacks against the shipped web rules, as they are.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

[[ -f $LAB_HOME/../rules/web.conf ]] || skip 'no rules/web.conf'
start_bridge
start_evasion_servers
silence_client
sluice_conf "more=$EVASION_SETTINGS"
shipped_rules
start_sluice
play_evasion web enforce bridge
expect_sluice_alive
expect_valid_events
