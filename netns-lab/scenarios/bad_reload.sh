#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: no part of it is the kernel's
# A wrong file at reload changes nothing: the old rules stay in force, and the next good one is taken.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 23 80
rule 2501 drop 'tcp.dstport == 23'
sluice_conf
start_sluice
expect_drop tcp4 23

still_the_same() {
    expect_drop tcp4 23
    expect_pass tcp 80
}

say 'a syntax error in a rule file'
echo 'rules = ( { id = 1; ' >"$LAB_DIR/rules/lab.conf"
expect_reload_refused 'lab.conf:[0-9]*:'
still_the_same
say 'an unknown field'
no_rules
rule 2502 drop 'tcp.nonsense == 1'
expect_reload_refused 'tcp.nonsense'
say 'an unknown setting'
no_rules
sluice_conf more='surprise = 1;'
expect_reload_refused 'surprise'
say 'no such interface'
sluice_conf more='' interfaces='{ name = "nowhere0"; side = "outside"; }'
expect_reload_refused 'nowhere0'
say 'no file at all'
mv "$CONF" "$CONF.away"
expect_reload_refused '[Nn]o such file'
mv "$CONF.away" "$CONF"
still_the_same

say 'and a good one'
no_rules
rule 2503 drop 'tcp.dstport == 80'
sluice_conf interfaces=''
reload_sluice
expect_pass tcp4 23
expect_drop tcp4 80
expect_stat reload.refused '== 5'
