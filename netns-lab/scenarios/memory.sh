#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every allocation is refused for a while: on_memory holds for new connections, and sluiced lives on.
. "$(dirname "$0")/../lab"

[[ -f $LAB_TOOLS/lab-no_memory.so ]] || skip "no $LAB_TOOLS/lab-no_memory.so"
# A sanitizer has a malloc of its own.
grep -qa __asan_init "$SLUICED" && skip "this sluiced cannot be refused memory"
orders=$LAB_DIR/no_memory
echo 0 >"$orders"
printf '#!/bin/bash\nexport LAB_NO_MEMORY=%q LD_PRELOAD=%q\nexec %q "$@"\n' \
    "$orders" "$LAB_TOOLS/lab-no_memory.so" "$SLUICED" >"$LAB_DIR/refused"
chmod +x "$LAB_DIR/refused"
SLUICED=$LAB_DIR/refused

start_bridge
start_nginx
rule 6801 reject 'http.uri.path contains "evil"'
for policy in closed open; do
    say "on_memory $policy"
    sluice_conf on_memory=$policy more='http: { ports = [ 80 ]; };'
    start_sluice
    expect_get 200 "http://$SERVER4/"
    expect_get '000|403' "http://$SERVER4/evil"
    printf 1 1<>"$orders"
    for _ in 1 2 3; do
        if [[ $policy == open ]]; then
            expect_get 200 "http://$SERVER4/"
        else
            expect_get 000 "http://$SERVER4/" --max-time "$(scaled 1 5)"
        fi
    done
    printf 0 1<>"$orders"
    expect_sluice_alive
    expect_get 200 "http://$SERVER4/"
    expect_get '000|403' "http://$SERVER4/evil"
    stop_sluice
done
exit 0
