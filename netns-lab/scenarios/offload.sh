#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A flow that a rule offloads does not come up any more; a reload with other rules has it judged anew.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 5002
start_echo 80
rule 4101 offload 'udp.dstport == 5002'
rule 4102 drop 'tcp.dstport == 23'
sluice_conf
start_sluice
start_packets -d "$SERVER4" -p 5002 -f 1 -r "$(scaled 2000 200)" -n 0 -l 64
few_more() { # few_more SINCE: whether the kernel has let by a few hundred packets since then
    (($(figure kernel.offloaded) > $1 + 200))
}
patiently 10 few_more 0 || fail "nothing is offloaded"
RECEIVED=$(figure packets.received)
((RECEIVED < 20)) || fail "$RECEIVED packets came up"
expect_stat packets.offloaded '>= 1'

say 'another rule: the same flow is judged anew'
no_rules
rule 4103 drop 'udp.dstport == 5002 and payload contains ""'
reload_sluice
patiently 5 sink_quiet || fail "the flow still passes"
expect_stat packets.dropped '>= 1'

say 'and offloaded again'
no_rules
rule 4101 offload 'udp.dstport == 5002'
reload_sluice
BEFORE=$(figure kernel.offloaded)
patiently 10 few_more "$BEFORE" || fail "not offloaded again"
end_packets
expect_pass tcp 80
