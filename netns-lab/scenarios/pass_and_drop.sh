#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What no rule names passes; port, address, payload and regex rules drop, on IPv4 and IPv6.
. "$(dirname "$0")/../lab"

start_bridge two_clients
start_echo 23 80 5001 5002
rule 1001 drop 'tcp.dstport == 23 or udp.dstport == 23'
rule 1002 drop "ip.src in { $CLIENT24, $CLIENT26 } and (tcp.dstport == 5002 or udp.dstport == 5002)"
rule 1003 drop 'payload contains "/etc/passwd"'
rule 1004 drop 'payload matches "(?i)union\s+select\s"'
sluice_conf
start_sluice

expect_ping 4
expect_ping 6
expect_pass tcp 80 'good morning'
expect_pass udp 80 'good morning'

say 'by port'
expect_drop tcp 23
expect_drop udp 23
expect_event 1001 alert.action=blocked dest_port=23

say 'by address'
expect_pass tcp 5002
FROM_NS=$CLIENT2_NS expect_drop tcp 5002
FROM_NS=$CLIENT2_NS expect_drop udp 5002
FROM_NS=$CLIENT2_NS expect_pass tcp 5001
expect_event 1002 src_ip="$CLIENT24"
expect_event 1002 src_ip="$CLIENT26"

say 'by payload'
expect_drop tcp 80 'GET /../../etc/passwd HTTP/1.0'
expect_drop udp 5001 'x /etc/passwd x'
expect_pass tcp 80 'GET /etc/password'
expect_event 1003 proto=TCP
expect_event 1003 proto=UDP

say 'by regex'
expect_drop tcp 80 'id=1 UnIoN  SeLeCt * from users'
expect_pass tcp 80 'id=1 union selected'
expect_event 1004

expect_valid_events
expect_stat packets.dropped '>= 10'
stop_sluice
expect_pass tcp 23
