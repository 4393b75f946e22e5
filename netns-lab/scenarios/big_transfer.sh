#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: 100 MB each way over TCP with GSO; the same bytes arrive.
. "$(dirname "$0")/../lab"

start_bridge
start_nginx
megabytes=$(scaled 100 10)
head -c "${megabytes}M" /dev/urandom >"$LAB_DIR/www/big"
sum=$(sha256sum <"$LAB_DIR/www/big")
rule 1401 drop 'tcp.dstport == 80 and payload contains "there is no such text anywhere"'
sluice_conf queue=all
start_sluice

begin=$(date +%s%N)
in_client curl -s --max-time "$(scaled 60 300)" -o "$LAB_DIR/big.down" "http://$SERVER4/big" || fail "the download broke off"
say "$megabytes MB down in $((($(date +%s%N) - begin) / 1000000)) ms"
[[ $(sha256sum <"$LAB_DIR/big.down") == "$sum" ]] || fail "the download is not what was sent"
in_client curl -s --max-time "$(scaled 60 300)" -T "$LAB_DIR/www/big" "http://[$SERVER6]/put/big" || fail "the upload broke off"
[[ $(sha256sum <"$LAB_DIR/www/put/big") == "$sum" ]] || fail "the upload is not what was sent"

# Whole GSO packets: far fewer of them than segments of 1,448 bytes.
expect_stat packets.received "< $((megabytes * 2 * 1048576 / 1448))"
expect_stat decoder.bytes "> $((megabytes * 2 * 1048576))"
expect_stat packets.dropped '== 0'
rm -f "$LAB_DIR"/www/big "$LAB_DIR"/www/put/big "$LAB_DIR"/big.*
