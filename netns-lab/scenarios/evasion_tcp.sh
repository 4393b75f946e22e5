#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: answers are timed
# Attacks disguised in segments and packets: none reaches a server, each is told.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

start_bridge
start_evasion_servers
silence_client
evasion_suite tcp bridge
