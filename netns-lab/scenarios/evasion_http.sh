#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: answers are timed
# Attacks disguised in HTTP: none reaches a server, each is told.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

start_bridge
start_evasion_servers
silence_client
evasion_suite http bridge
say 'the same in pieces of three bytes, the last first'
play_evasion http enforce bridge --cut 3
