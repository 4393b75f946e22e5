#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone
# guest only: the Debian package installs and starts the service under a real systemd; it reloads, is watched, and stops.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../lib/service.sh"

say "the package is installed"
install_package
# shellcheck disable=SC2119 # no prefix: in the guest's own namespace
boot_systemd
in_service nft list tables | grep -q 'table inet sluice' || fail "no table"
in_service sluicectl status | grep -q '"generation":1,' || fail "no status"

say "it reloads"
in_service systemctl reload sluiced || fail "reload"
reloaded() { in_service sluicectl status | grep -q '"generation":2,'; }
patiently 20 reloaded || fail "not reloaded"

say "a daemon that stands still is started anew by the watchdog"
in_service kill -STOP "$(shown MainPID)"
patiently 90 started_anew 1 || fail "the watchdog does nothing"

say "a restart that cannot come up is a stop"
echo 'nonsense = 1;' >>/etc/sluice/sluice.conf
in_service systemctl restart sluiced && fail "it starts with wrong settings"
in_service nft list tables | grep -q sluice && fail "the table is still there"
sed -i '/^nonsense/d' /etc/sluice/sluice.conf
in_service systemctl reset-failed sluiced
in_service systemctl start sluiced || fail "start"

say "it stops and takes its table along"
in_service systemctl stop sluiced || fail "stop"
in_service nft list tables | grep -q sluice && fail "the table is still there"
[[ $(stat -c %U /var/log/sluice/eve.json) == sluice ]] || fail "the events are not the service's"
