#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A rule can name the side that a packet comes from.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80
rule 2901 log 'in.side == "outside" and tcp.dstport == 80 and in.dev == "out0"'
rule 2902 log 'in.side == "inside" and tcp.srcport == 80 and out.side == "outside"'
rule 2903 drop 'in.side == "inside" and tcp.dstport == 80'
sluice_conf
start_sluice
expect_pass tcp 80
expect_event 2901 src_ip="$CLIENT4" alert.action=allowed
expect_event 2901 src_ip="$CLIENT6"
expect_event 2902 src_ip="$SERVER4" src_port=80
expect_event 2902 src_ip="$SERVER6"
expect_no_event 2903
