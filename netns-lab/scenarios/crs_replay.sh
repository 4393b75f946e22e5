#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: what it adds to web_block is not the kernel's
# where the Core Rule Set is: ../shared/crs beside the repository, or $SLUICE_CRS
# The Core Rule Set's own tests as TCP connections through sluiced, paranoia level 4, detection only: the events name
# the rules that each test expects, and everything passes.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../lib/crs.sh"

# play_tests FILE: all of them through sluiced, and what the events say of them.
play_tests() {
    local tests=$1
    send_recorded "$tests"
    patiently 20 events_settled || fail 'events without end'
    "$LAB_TOOLS/crs_replay" -i "$tests" -c "$LAB_DIR/cache" "${FILES[@]}" >"$LAB_DIR/replayed.jsonl" 2>"$LAB_DIR/crs_replay.log" ||
        fail "crs_replay: $(tail -n 2 "$LAB_DIR/crs_replay.log")"
    judge_wire --tests --matched "$LAB_DIR/replayed.jsonl" "$tests"
}

use_crs_4
[[ -f $CRS_DATA/tests.jsonl ]] || skip "no $CRS_DATA/tests.jsonl"
[[ -x $LAB_TOOLS/crs_replay ]] || skip "no $LAB_TOOLS/crs_replay"
FILES=("$CRS_DATA/tests.conf" "$CRS_RULES"/*.conf)
start_bridge
sluice_conf events_per_second=1000000 event_ring=65536 services="{ proto = \"tcp\"; ports = [ $CRS_PORT ]; }" more="
seclang = [ \"$CRS_DATA/tests.conf\", \"$CRS_RULES/*.conf\" ];
http: { ports = [ $CRS_PORT ]; };
cache: { folder = \"$LAB_DIR/cache\"; };"
start_sluice
play_tests "$CRS_DATA/tests.jsonl"
say 'a part of them in segments of seven bytes'
awk 'NR % 4 == 0 && length < 8000' "$CRS_DATA/tests.jsonl" >"$LAB_DIR/part.jsonl"
SEND=(--piece 7) FIRST_PORT=30000
play_tests "$LAB_DIR/part.jsonl"
expect_stat packets.dropped '== 0'
expect_stat packets.events_lost '== 0'
expect_stat eve.dropped '== 0'
expect_sluice_alive
expect_valid_events
stop_sluice
