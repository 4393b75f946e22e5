#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A queue that another program holds: refused, and that program goes on undisturbed.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80
rule 2401 drop 'payload contains "evil"'
sluice_conf first=7
start_sluice
expect_drop tcp 80 'evil'

say 'a second sluiced with one queue the same'
cp "$CONF" "$LAB_DIR/second.conf"
sed -i "s/first = 7/first = 8/; s|$SOCKET|$SOCKET.2|" "$LAB_DIR/second.conf"
CONF=$LAB_DIR/second.conf expect_start_refused 'queue 8'
expect_sluice_alive
expect_drop tcp 80 'evil'
expect_pass tcp 80
