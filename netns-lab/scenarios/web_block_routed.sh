#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What web_block shows on a bridge, where the box routes: answers leave by raw sockets.
START=start_routed
. "$(dirname "$0")/web_block.sh"
