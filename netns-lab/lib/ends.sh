# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What becomes of guarded traffic when sluiced ends or stands still: each policy, open and closed.

# expect_guarded open|closed WHAT: what passes while nobody looks.
expect_guarded() {
    say "$2, $1"
    if [[ $1 == open ]]; then
        expect_pass udp 80 'evil passes'
        expect_pass tcp 80
    else
        expect_drop udp 80
        expect_drop tcp4 80
    fi
}

# It filters.
expect_filtered() {
    expect_pass udp 80
    expect_pass tcp 80
    expect_drop udp 80 'evil is stopped'
}

# play_ends: on the topology that has been started.
play_ends() {
    local policy
    start_echo 80
    rule 6601 drop 'payload startswith "evil"'
    for policy in open closed; do
        sluice_conf on_stop=$policy on_crash=$policy on_overload=$policy on_memory=$policy queues=1 length=64
        start_sluice
        expect_filtered
        kill_sluice
        expect_guarded $policy crash
        start_sluice
        expect_filtered
        play_overload $policy
        stop_sluice
        expect_guarded $policy stop
    done
}

# The queue is full and nobody answers; afterwards all is as before.
play_overload() {
    signal_sluice STOP
    in_client "$LAB_TOOLS/lab-udp_blast" -d "$SERVER4" -p 9 -n 200 -r 2000 >/dev/null 2>&1 || fail "no blast"
    expect_guarded "$1" overload
    signal_sluice CONT
    expect_sluice_alive
    patiently 10 filters_again || fail "it does not filter any more"
    expect_filtered
}

filters_again() {
    [[ $(ask_echo "$PATIENCE" udp4 80) == pass* ]]
}
