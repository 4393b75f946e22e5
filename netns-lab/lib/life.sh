# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A run's beginning and end: its name, its folder, its processes, what is left
# of dead runs, and the verdict.

LAB_RUNS=/run/sluice-lab
LAB_TAG=sl$$
LAB_DIR=$LAB_RUNS/$LAB_TAG
LAB_VERDICT=''
LAB_PIDS=()

# say WORDS...: for the log of a scenario.
say() {
    printf '   %s\n' "$*"
}

# shellcheck disable=SC2153 # NAME is lab's
fail() {
    LAB_VERDICT=FAIL
    printf 'FAIL %s: %s\n' "$NAME" "$*"
    exit 1
}

skip() {
    LAB_VERDICT=skip
    printf 'skip %s: %s\n' "$NAME" "$*"
    exit 77
}

# A process's start time tells it from a later one with the same number.
start_time() {
    local line
    read -r line 2>/dev/null <"/proc/$1/stat" || return 1
    # The name, in parentheses, may hold anything; the fields count from behind it.
    read -ra line <<<"${line##*) }"
    echo "${line[19]}"
}

# nap SECONDS: no fork, which is dear on an emulated machine.
nap() {
    read -rt "$1" -u "$LAB_NAP" _ || true
}

# patiently SECONDS COMMAND...: until it succeeds; the time is thrice as long on a slow machine.
patiently() {
    local end=$((SECONDS + $1 * (1 + 3 * LAB_SLOW) + 1))
    shift
    until "$@"; do
        ((SECONDS <= end)) || return 1
        nap 0.05
    done
}

# Ends a process that we started, when it is still the same one.
end_process() {
    local pid=$1 born=$2 signal=${3:-TERM}
    [[ $(start_time "$pid") == "$born" ]] && kill "-$signal" "$pid" 2>/dev/null
}

# in_background NAME COMMAND...: its output goes to NAME.log in the run's folder; the pid to $STARTED.
in_background() {
    local name=$1
    shift
    # 0>&-: no terminal; the nap descriptor stays with us.
    "$@" </dev/null >>"$LAB_DIR/$name.log" 2>&1 {LAB_NAP}<&- &
    STARTED=$!
    LAB_PIDS+=("$STARTED")
    echo "$STARTED $(start_time "$STARTED")" >>"$LAB_DIR/pids"
}

remove_run() {
    local dir=$1 tag pid born ns
    tag=$(basename "$dir")
    if [[ -f $dir/pids ]]; then
        while read -r pid born; do
            end_process "$pid" "$born" CONT
            end_process "$pid" "$born" KILL
        done <"$dir/pids"
    fi
    for ns in /run/netns/"$tag"-*; do
        # Another run may be tidying up after the same dead one.
        [[ ! -e $ns ]] || ip netns del "${ns##*/}" 2>/dev/null
    done
    [[ ${LAB_KEEP:-} ]] || rm -rf "$dir"
}

# Runs whose process is gone without having tidied up (kill -9).
reap_dead_runs() {
    local dir pid born
    for dir in "$LAB_RUNS"/sl*; do
        [[ -f $dir/owner ]] || continue
        read -r pid born <"$dir/owner"
        [[ $(start_time "$pid") == "$born" ]] || remove_run "$dir"
    done
}

lab_end() {
    local status=$? pid
    trap - EXIT
    trap '' INT TERM HUP
    if [[ ! $LAB_VERDICT ]]; then
        if ((status == 0)); then
            [[ ${BASH_SOURCE[-1]} == */scenarios/* ]] && echo "ok $NAME"
        else
            echo "FAIL $NAME: ended with status $status"
        fi
    fi
    if [[ $LAB_VERDICT == FAIL ]]; then
        show_state
    fi
    for pid in "${LAB_PIDS[@]}"; do
        kill -CONT "$pid" 2>/dev/null
        kill "$pid" 2>/dev/null
    done
    remove_run "$LAB_DIR"
    wait 2>/dev/null
    exit "$status"
}

# What a reader of a failing scenario wants to see.
show_state() {
    local log
    for log in "$LAB_DIR"/*.log "$LAB_DIR"/rules/*.conf; do
        [[ -s $log ]] || continue
        echo "--- ${log##*/}"
        tail -n 25 "$log"
    done
    if [[ -e /run/netns/$BOX_NS ]]; then
        echo "--- the box's nftables"
        in_box nft list ruleset 2>&1 | head -n 80
    fi
    if [[ -s $EVENTS ]]; then
        echo "--- the last events"
        tail -n 5 "$EVENTS"
    fi
}

lab_begin() {
    ((EUID == 0)) || skip "needs root"
    mkdir -p "$LAB_RUNS"
    reap_dead_runs
    mkdir -p "$LAB_DIR/rules"
    echo "$$ $(start_time $$)" >"$LAB_DIR/owner"
    : >"$LAB_DIR/pids"
    mkfifo "$LAB_DIR/nap"
    exec {LAB_NAP}<>"$LAB_DIR/nap"
    trap lab_end EXIT
    trap 'LAB_VERDICT=FAIL; echo "FAIL $NAME: interrupted"; exit 130' INT TERM HUP
}
