#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# In monitor mode the same is decided and told, and everything passes.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 23 80
rule 2601 drop 'tcp.dstport == 23'
rule 2602 reject 'payload contains "evil"'
sluice_conf mode=monitor
start_sluice
expect_pass tcp 23
expect_pass udp 80 'evil'
expect_event 2601 alert.action=allowed
expect_event 2602 alert.action=allowed
expect_figure 'alerts that claim to have blocked' "$(count_events alert.action=blocked)" '== 0'
expect_stat packets.dropped '== 0'

say 'to enforce by a reload'
sluice_conf mode=enforce
reload_sluice
expect_drop tcp4 23
expect_refused udp 80 'evil'
expect_event 2601 alert.action=blocked
