#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: stop, kill -9 and a full queue, each with its policy open and closed: routed traffic.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../lib/ends.sh"

start_routed
play_ends
exit 0
