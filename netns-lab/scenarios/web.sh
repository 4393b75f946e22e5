#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nginx behind the bridge, curl before it.
. "$(dirname "$0")/../lab"

start_bridge
start_nginx
rule 3501 reject 'tcp.dstport == 80 and payload contains "/etc/passwd"'
rule 3502 drop 'tcp.dstport == 80 and payload matches "\(\)\s*\{\s*:;\s*\}"'
sluice_conf
start_sluice
expect_get 200 "http://$SERVER4/"
expect_get 200 "http://[$SERVER6]/"
expect_get 404 "http://$SERVER4/nothing-here"
expect_get 000 "http://$SERVER4/?file=/etc/passwd"
expect_get 000 "http://[$SERVER6]/?file=/etc/passwd"
expect_get 000 "http://$SERVER4/" -A '() { :; }; /bin/id'
expect_event 3501 alert.action=blocked dest_port=80
expect_event 3502
expect_get 200 "http://$SERVER4/login" -d 'user=alice'
grep -q passwd "$LAB_DIR/nginx/access" && fail "the attack reached nginx"
expect_valid_events
