#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Four queues share the load of many clients.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
sluice_conf queues=4 first=20 queue=all
start_sluice
send_packets -d "$SERVER4" -p 9000 -n "$(scaled 8000 1600)" -r "$(scaled 8000 1000)" -f 800 -s "$MANY4" -m 800
expect_arrived
for queue in 20 21 22 23; do
    expect_stat "queues[queue=$queue].received" "> $((SENT / 20))"
done
