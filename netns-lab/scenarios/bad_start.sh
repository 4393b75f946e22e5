#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: no part of it is the kernel's
# What cannot be started is refused with a clear word, and the wire is left alone.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80
[[ -x $SLUICED ]] || skip "no $SLUICED"

CONF=$LAB_DIR/missing.conf expect_start_refused 'no such file'
sluice_conf more='no_such_setting = 1;'
expect_start_refused 'no_such_setting'
expect_check 1 'sluice.conf:[0-9]*:.*no_such_setting'
sluice_conf more='extra = = 1;'
expect_start_refused 'sluice.conf:[0-9]*:.*syntax'
sluice_conf more='' queues='"many"'
expect_start_refused 'auto'
sluice_conf queues=0
expect_start_refused 'sluice.conf:[0-9]*:'
sluice_conf queues=2 interfaces='{ name = "nowhere0"; side = "outside"; }'
expect_start_refused 'nowhere0'
sluice_conf interfaces=''

rule 2301 drop 'tcp.nonsense == 1'
expect_start_refused 'lab.conf:[0-9]*:.*tcp.nonsense'
expect_check 1 'tcp.nonsense'
no_rules
rule 2302 drop 'tcp.dstport == "eighty"'
expect_start_refused 'lab.conf:[0-9]*:'
no_rules
rule 2303 drop 'payload matches "a(b"'
expect_start_refused 'lab.conf:[0-9]*:'
no_rules
rule 2304 drop 'tcp.dstport == 1'
rule 2304 drop 'tcp.dstport == 2'
expect_start_refused '2304'
no_rules
expect_check 0

say 'not root'
expect_start_refused 'root\|CAP_NET_ADMIN\|not permitted\|privilege' setpriv --reuid 65534 --regid 65534 --clear-groups
if [[ $LAB_FAMILY == inet ]]; then
    say 'a family in which this kernel cannot queue'
    sluice_conf family=bridge
    # Debian's kernel can.
    [[ $LAB_SLOW == 1 ]] || expect_start_refused 'bridge'
    sluice_conf family=''
fi
in_box nft list tables | grep -q sluice && fail "a refused start left a table"
expect_pass tcp 80
