#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: evasion_tcp and evasion_http show it there
# alone: answers are timed
# Attacks while the table is full, after time-outs, and while the rules are read again.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

# Reads the rules again and again until the file "quiet" is there.
keep_reloading() {
    while [[ ! -e $LAB_DIR/quiet ]]; do
        kill -HUP "$SLUICE_PID"
        nap 0.3
    done
}

start_bridge
start_evasion_servers
silence_client

plain=$EVASION_SETTINGS
say 'a table of 100 flows a queue'
EVASION_SETTINGS+=' streams: { flows = 100; timeouts: { handshake = 1; }; };'
evasion_conf mode=enforce on_memory=closed
start_sluice
play_evasion pressure enforce bridge --jobs 1
stop_sluice
rm "$EVENTS"

say 'a time-out of two seconds, and connections in the middle are refused'
EVASION_SETTINGS=$plain' streams: { midstream = "refuse"; timeouts: { established = 2; }; };'
evasion_conf
start_sluice
play_evasion midstream enforce bridge
stop_sluice
rm "$EVENTS"

say 'while the rules are read again'
EVASION_SETTINGS=$plain
evasion_conf
start_sluice
keep_reloading &
play_evasion few enforce bridge
touch "$LAB_DIR/quiet"
wait $!
expect_sluice_alive
(($(said_times reloaded) > 2)) || fail "the rules were not read again"
