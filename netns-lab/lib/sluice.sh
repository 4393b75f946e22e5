# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sluiced: its settings and rules, start, reload, stop and what it says.

CONF=$LAB_DIR/sluice.conf
EVENTS=$LAB_DIR/eve.json
SOCKET=$LAB_DIR/sluice.sock
SLUICE_LOG=$LAB_DIR/sluiced.log
SLUICE_PID=''
RULES=()
declare -A SETTING=(
    [mode]=enforce [family]='' [hook]='' [interfaces]='' [exempt]='' [queues]=2 [first]=0 [length]=8192 [pin]=false
    [services]='{ proto = "tcp"; }, { proto = "udp"; }, { proto = "icmp"; }, { proto = "icmpv6"; }'
    [on_stop]=open [on_crash]=open [on_overload]=open [on_memory]=closed [br_netfilter]=set
    [stats_interval]=0 [mask]=0x7f000000 [events_per_second]=10000 [event_ring]=4096
    [regex_steps]=100000 [queue]=needed [conntrack]=false [more]=''
)

# sluice_conf [NAME=VALUE...]: the settings file, with the lab's defaults.
sluice_conf() {
    local pair
    for pair; do
        [[ -v SETTING[${pair%%=*}] ]] || fail "sluice_conf: no ${pair%%=*}"
        SETTING[${pair%%=*}]=${pair#*=}
    done
    cat >"$CONF" <<CONF
mode = "${SETTING[mode]}";
divert: {
  family = "${SETTING[family]:-$FAMILY}";
  hook = "${SETTING[hook]:-$HOOK}";
  interfaces = ( ${SETTING[interfaces]:-$INTERFACES} );
  services = ( ${SETTING[services]} );
  exempt = [ ${SETTING[exempt]} ];
  br_netfilter = "${SETTING[br_netfilter]}";
  queue = "${SETTING[queue]}";
};
queues: { first = ${SETTING[first]}; count = ${SETTING[queues]}; pin = ${SETTING[pin]}; length = ${SETTING[length]}; };
marks: { mask = ${SETTING[mask]}; };
policies: {
  on_stop = "${SETTING[on_stop]}"; on_crash = "${SETTING[on_crash]}";
  on_overload = "${SETTING[on_overload]}"; on_memory = "${SETTING[on_memory]}";
};
limits: { regex_steps = ${SETTING[regex_steps]}; events_per_second = ${SETTING[events_per_second]}; event_ring = ${SETTING[event_ring]}; };
log: { level = "debug"; };
events: { file = "$EVENTS"; stats_interval = ${SETTING[stats_interval]}; conntrack = ${SETTING[conntrack]}; };
control: { socket = "$SOCKET"; };
rules = [ "rules/*.conf" ];
${SETTING[more]}
CONF
    write_rules
}

# rule ID ACTION CONDITION [FURTHER SETTINGS]: one more rule, named $RULE_NAME where that is set.
rule() {
    local condition=${3//\\/\\\\}
    condition=${condition//\"/\\\"}
    RULES+=("{ id = $1; name = \"${RULE_NAME:-lab rule $1}\"; action = \"$2\"; when = \"$condition\"; ${4:-} }")
    write_rules
}

no_rules() {
    RULES=()
    write_rules
}

write_rules() {
    local IFS=,
    printf 'rules = ( %s );\n' "${RULES[*]:-}" >"$LAB_DIR/rules/lab.conf.new"
    mv "$LAB_DIR/rules/lab.conf.new" "$LAB_DIR/rules/lab.conf"
}

said() {
    grep -q -e "$1" "$SLUICE_LOG" 2>/dev/null
}

# How often sluiced has said it.
said_times() {
    grep -c -e "$1" "$SLUICE_LOG" 2>/dev/null || true
}

ready_or_dead() {
    said '\bready\b' || [[ ! -e /proc/$SLUICE_PID ]] || [[ $(</proc/"$SLUICE_PID"/stat) == *') Z '* ]]
}

# Starts sluiced in the box and waits until it is ready.
start_sluice() {
    [[ -x $SLUICED ]] || skip "no $SLUICED"
    [[ -f $CONF ]] || sluice_conf
    [[ ! -f $SLUICE_LOG ]] || mv "$SLUICE_LOG" "$LAB_DIR/sluiced-before.log"
    in_background sluiced ip netns exec "$BOX_NS" "$SLUICED" run -c "$CONF"
    SLUICE_PID=$STARTED
    patiently 20 ready_or_dead
    said '\bready\b' || fail "sluiced is not ready: $(tail -n 3 "$SLUICE_LOG")"
}

started_again() {
    (($(said_times 'keeper: started') > $1)) && (($(said_times '\bready$') > $1))
}

note_kept_sluice() {
    SLUICE_PID=$(sed -n 's/^keeper: started \([0-9]*\),.*/\1/p' "$SLUICE_LOG" | tail -n 1)
}

# start_kept_sluice [OPTIONS]: the same under lab-keeper, which keeps the queues' sockets as systemd does.
start_kept_sluice() {
    [[ -x $LAB_TOOLS/lab-keeper ]] || skip "no $LAB_TOOLS/lab-keeper"
    [[ -f $CONF ]] || sluice_conf
    in_background sluiced ip netns exec "$BOX_NS" "$LAB_TOOLS/lab-keeper" "$@" "$SLUICED" run -c "$CONF"
    KEEPER_PID=$STARTED
    patiently 20 started_again 0 || fail "sluiced is not ready: $(tail -n 3 "$SLUICE_LOG")"
    note_kept_sluice
}

# restart_sluice: as systemctl does; for one under lab-keeper.
restart_sluice() {
    local before
    before=$(said_times 'keeper: started')
    kill -HUP "$KEEPER_PID" || fail "the keeper is gone"
    patiently 20 started_again "$before" || fail "not ready again: $(tail -n 3 "$SLUICE_LOG")"
    note_kept_sluice
}

# crash_sluice [SIGNAL]: it dies, and the keeper starts it anew.
crash_sluice() {
    local before
    before=$(said_times 'keeper: started')
    signal_sluice "${1:-KILL}"
    patiently 20 started_again "$before" || fail "not ready again: $(tail -n 3 "$SLUICE_LOG")"
    note_kept_sluice
}

# Stops both, as systemctl stop does; the sockets are let go.
stop_kept_sluice() {
    local status=0
    kill -TERM "$KEEPER_PID" || fail "the keeper is gone"
    patiently 15 sluice_gone || fail "sluiced does not stop"
    wait "$KEEPER_PID" || status=$?
    ((status == 0)) || fail "sluiced ended with status $status"
}

signal_sluice() {
    kill "-$1" "$SLUICE_PID" || fail "sluiced is gone"
}

# Stops sluiced and checks that it leaves in order.
stop_sluice() {
    local status=0
    signal_sluice TERM
    patiently 15 sluice_gone || fail "sluiced does not stop"
    wait "$SLUICE_PID" || status=$?
    ((status == 0)) || fail "sluiced ended with status $status"
}

kill_sluice() {
    signal_sluice KILL
    wait "$SLUICE_PID" 2>/dev/null
    say "sluiced was killed"
}

sluice_gone() {
    [[ ! -e /proc/$SLUICE_PID ]] || [[ $(</proc/"$SLUICE_PID"/stat) == *') Z '* ]]
}

expect_sluice_alive() {
    sluice_gone && fail "sluiced has died: $(tail -n 3 "$SLUICE_LOG")"
    return 0
}

said_more_than() {
    (($(said_times "$1") > $2))
}

# Tells sluiced to read its files again and waits until it has.
reload_sluice() {
    local before refused
    before=$(said_times reloaded)
    refused=$(said_times 'reload refused')
    signal_sluice HUP
    patiently 10 said_more_than 'reloaded\|reload refused' $((before + refused)) || fail "no reload"
    said_more_than reloaded "$before" || fail "reload refused: $(tail -n 3 "$SLUICE_LOG")"
}

# expect_reload_refused PATTERN: the reload is refused and says why.
expect_reload_refused() {
    local before
    before=$(said_times 'reload refused')
    signal_sluice HUP
    patiently 10 said_more_than 'reload refused' "$before" || fail "a wrong file was not refused"
    patiently 3 said "$1" || fail "the refusal does not say \"$1\": $(tail -n 3 "$SLUICE_LOG")"
    expect_sluice_alive
}

# expect_start_refused PATTERN [COMMAND PREFIX...]: sluiced does not start, says why, and ends with an error.
expect_start_refused() {
    local pattern=$1 status=0
    shift
    timeout -k 2 30 ip netns exec "$BOX_NS" "$@" "$SLUICED" run -c "$CONF" >"$LAB_DIR/refused.log" 2>&1 </dev/null || status=$?
    ((status != 0 && status < 124)) || fail "sluiced was to refuse ($pattern) but ended with $status"
    grep -qi -e "$pattern" "$LAB_DIR/refused.log" || fail "no \"$pattern\" in: $(tail -n 3 "$LAB_DIR/refused.log")"
    say "refused: $(grep -i -m 1 -e "$pattern" "$LAB_DIR/refused.log")"
}

# expect_check STATUS [PATTERN]: what `sluiced check` makes of the settings.
expect_check() {
    local status=0
    "$SLUICED" check -c "$CONF" >"$LAB_DIR/check.log" 2>&1 || status=$?
    ((status == $1)) || fail "check ended with $status, not $1: $(tail -n 3 "$LAB_DIR/check.log")"
    [[ ! ${2:-} ]] || grep -qi -e "$2" "$LAB_DIR/check.log" || fail "check does not say \"$2\": $(tail -n 3 "$LAB_DIR/check.log")"
}

# figure PATH: one figure of sluicectl's stats, as packets.dropped; 0 where there is none.
figure() {
    "$SLUICECTL" -s "$SOCKET" stats | json_get "$1"
}

json_get() {
    /usr/bin/python3 -IS "$LAB_HOME/lib/json_get.py" "$1"
}
