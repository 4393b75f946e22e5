#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: evasion_tcp and evasion_http show it there
# alone: answers are timed
# Some of each kind of disguise where the box routes.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

start_routed
start_evasion_servers
silence_client
evasion_suite few routed
