#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A great list of networks stands in the kernel; a reload changes only what differs, and nothing slips through.
. "$(dirname "$0")/../lab"

start_bridge two_clients
start_echo 5001
make_list() { # make_list COUNT [MORE LINES...]
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "%d.%d.%d.%d/30\n", 20 + int(i / 65536) % 200, int(i / 256) % 256, i % 256, (i * 4) % 256 }' \
        >"$LAB_DIR/rules/list.txt"
    shift
    printf '%s\n' "$@" >>"$LAB_DIR/rules/list.txt"
}
MANY=$(scaled 200000 20000)
make_list "$MANY" "$CLIENT4" "$CLIENT6/128"
echo 'sets = ( { name = "blocked"; type = "address"; file = "list.txt"; } );' >"$LAB_DIR/rules/a-sets.conf"
# shellcheck disable=SC2016 # a set of the rules' own
rule 4501 drop 'ip.src in $blocked' 'event = false;'
sluice_conf
start_sluice
expect_drop udp 5001
FROM_NS=$CLIENT2_NS expect_pass udp 5001
expect_stat packets.received '== 0'

say 'the other client instead'
make_list "$MANY" "$CLIENT24" "$CLIENT26/128"
reload_sluice
expect_pass udp 5001
FROM_NS=$CLIENT2_NS expect_drop udp 5001

say 'reloads under packets of a listed sender: none passes'
make_list "$MANY" "$CLIENT4"
reload_sluice
start_sink 5002
in_background blast ip netns exec "$CLIENT_NS" "$LAB_TOOLS/lab-udp_blast" -d "$SERVER4" -p 5002 -f 8 -l 64 -r "$(scaled 20000 500)" -n 0
for i in 1 2 3 4 5; do
    make_list "$((MANY - i * 1000))" "$CLIENT4"
    reload_sluice
done
ask_sink
expect_figure 'packets that passed' "$((REPORT[good] + REPORT[other]))" '== 0'
