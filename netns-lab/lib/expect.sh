# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What is to be seen. Each verb ends the scenario when it is not.

# Milliseconds that an answer may take, and after which a packet counts as stopped.
PATIENCE=$(scaled 2000 15000)
SILENCE=$(scaled 600 3000)

# addresses_of PROTOCOL: tcp and udp mean both versions, tcp4 … udp6 one.
addresses_of() {
    case $1 in
    *4) echo "$SERVER4" ;;
    *6) echo "$SERVER6" ;;
    *) echo "$SERVER4 $SERVER6" ;;
    esac
}

# ask_echo TIMEOUT PROTOCOL PORT [TEXT [OPTIONS...]]: a line for each address.
ask_echo() {
    local timeout=$1 protocol=$2 port=$3 text=${4:-hello} addresses
    shift $(($# < 4 ? $# : 4))
    read -ra addresses <<<"$(addresses_of "$protocol")"
    ip netns exec "${FROM_NS:-$CLIENT_NS}" "$LAB_TOOLS/lab-probe" -t "$timeout" -s "$text" "$@" \
        "${protocol%[46]}" "$port" "${addresses[@]}"
}

# expect_answers WORD TIMEOUT PROTOCOL PORT...
expect_answers() {
    local wanted=$1 word ms answers
    shift
    answers=$(ask_echo "$@") || fail "probe $*: $answers"
    while read -r word ms; do
        [[ $word =~ ^($wanted)$ ]] || fail "$2 to port $3 ${4:+with \"$4\" }came back as \"$word\" after $ms ms, not $wanted"
        [[ $wanted != refused* ]] || ((ms < PATIENCE / 2)) || fail "$2 to port $3 was refused only after $ms ms"
    done <<<"$answers"
    say "$2 to port $3${4:+ with \"${4:0:40}\"}: ${answers//$'\n'/, }"
}

# expect_pass PROTOCOL PORT [TEXT [PROBE OPTIONS...]]: the server's echo comes back.
expect_pass() {
    expect_answers pass "$PATIENCE" "$@"
}

# expect_drop …: nothing comes back.
expect_drop() {
    expect_answers timeout "$SILENCE" "$@"
}

# expect_refused …: the sender is told at once.
expect_refused() {
    expect_answers 'refused|unreachable' "$PATIENCE" "$@"
}

# expect_ping [VERSION]: ping passes.
expect_ping() {
    local address=$SERVER4
    [[ ${1:-4} == 4 ]] || address=$SERVER6
    in_client ping -q -c 1 -W "$(scaled 2 10)" "$address" >/dev/null || fail "no ping to $address"
}

expect_no_ping() {
    local address=$SERVER4
    [[ ${1:-4} == 4 ]] || address=$SERVER6
    in_client ping -q -c 1 -W 1 "$address" >/dev/null && fail "ping to $address passes"
    return 0
}

# expect_get STATUS URL [CURL OPTIONS...]: a status, or several as a|b; 000 means refused or dropped.
expect_get() {
    local wanted=$1 status
    shift
    status=$(get "$@")
    [[ $status =~ ^($wanted)$ ]] || fail "curl $*: $status, not $wanted"
    say "curl $*: $status"
}

event_there() {
    grep -q -e "\"signature_id\": *$1\b" "$EVENTS" 2>/dev/null
}

# count_events KEY=VALUE...
count_events() {
    /usr/bin/python3 -I "$LAB_HOME/lib/events.py" "$EVENTS" count "$@"
}

# expect_event RULE [KEY=VALUE...]: an alert of that rule, with these values.
expect_event() {
    local id=$1
    shift
    patiently 5 event_there "$id" || fail "no event of rule $id"
    (($# == 0)) || (($(count_events "alert.signature_id=$id" "$@") > 0)) || fail "no event of rule $id has $*"
}

expect_no_event() {
    event_there "$1" && fail "there is an event of rule $1"
    return 0
}

expect_valid_events() {
    local count
    count=$(/usr/bin/python3 -I "$LAB_HOME/lib/events.py" "$EVENTS" valid 2>&1) || fail "events: ${count##*$'\n'}"
    say "$count events, all valid"
}

# expect_stat PATH COMPARISON: as packets.dropped '>= 3'.
expect_stat() {
    local value
    value=$(figure "$1")
    expect_figure "$1" "${value%%.*}" "$2"
}

# expect_figure WHAT VALUE COMPARISON
expect_figure() {
    say "$1: $2"
    (("$2 $3")) || fail "$1: $2, not $3"
}

# expect_arrived: what send_packets or end_packets sent came through whole; none of the others did.
expect_arrived() {
    # shellcheck disable=SC2153 # note_sent sets it
    local sent=$SENT
    patiently 10 sink_has "$sent"
    patiently 5 sink_quiet
    say "arrived: ${REPORT[good]} of $sent, twice ${REPORT[dup]}, late ${REPORT[late]}, others ${REPORT[other]}, overrun ${REPORT[overrun]}"
    ((REPORT[overrun] == 0)) || skip "the sink was too slow for this machine: the figures say nothing"
    ((REPORT[good] == sent)) || fail "$((sent - REPORT[good])) of $sent packets were lost"
    ((REPORT[dup] == 0)) || fail "${REPORT[dup]} packets came twice"
    ((REPORT[other] == 0)) || fail "${REPORT[other]} of $SENT_OTHER packets passed that the rules drop"
}

# nft_counter TABLE NAME: the packets of a named counter in the box.
nft_counter() {
    local words
    # shellcheck disable=SC2086 # family and name
    words=$(in_box nft list counter $1 "$2") || fail "no counter $2"
    [[ $words =~ packets\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}
