#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: evasion_conntrack shows it there
# alone: answers are timed
# The same where the box routes, and what is forged in the server's name goes back to the client.
EVASION_TOPOLOGY=routed exec "$(dirname "$0")/evasion_conntrack.sh"
