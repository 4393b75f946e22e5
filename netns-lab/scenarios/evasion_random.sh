#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: evasion_tcp and evasion_http show it there
# alone: many connections
# Attacks in random pieces among random decoys: most reach a server when nothing stops them, none through sluiced.
# EVASION_SEED and EVASION_COUNT choose others, or more.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

EVASION_COUNT=${EVASION_COUNT:-$(scaled 120 30)}
export EVASION_COUNT
start_bridge
start_evasion_servers
silence_client
evasion_suite random bridge
