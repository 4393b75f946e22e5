#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone
# guest only: the Debian package installs and starts the service under a real systemd; it reloads, is watched, and stops.
. "$(dirname "$0")/../lab"

[[ ${LAB_IN_GUEST:-} ]] || skip "installs a package: in the guest only"
package=$(echo "$LAB_HOME"/../build/sluice_*.deb)
[[ -f $package ]] || fail "no package: ./dev package makes it"

say "the package is installed"
dpkg -i "$package" || fail "dpkg"
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
# It empties /tmp when it boots: it gets one of its own.
in_background systemd unshare --pid --fork --mount-proc --mount --kill-child=KILL bash -c "
    mount -t tmpfs tmpfs /tmp
    exec env -i container=lab PATH='$PATH' /lib/systemd/systemd --system --unit=multi-user.target"
manager_there() { MANAGER=$(pgrep -x systemd | head -n 1) && [[ -S /run/systemd/private ]]; }
patiently 120 manager_there || fail "systemd does not start"
in_service() { nsenter -t "$MANAGER" -p -m "$@"; }
shown() { in_service systemctl show sluiced -p "$1" --value; }
is_active() { [[ $(shown ActiveState) == active ]]; }

patiently 120 is_active || fail "the service is not active"
in_service nft list tables | grep -q 'table inet sluice' || fail "no table"
in_service sluicectl status | grep -q '"generation":1,' || fail "no status"

say "it reloads"
in_service systemctl reload sluiced || fail "reload"
reloaded() { in_service sluicectl status | grep -q '"generation":2,'; }
patiently 20 reloaded || fail "not reloaded"

say "a daemon that stands still is started anew by the watchdog"
in_service kill -STOP "$(shown MainPID)"
started_anew() { [[ $(shown NRestarts) == 1 ]] && is_active; }
patiently 90 started_anew || fail "the watchdog does nothing"

say "it stops and takes its table along"
in_service systemctl stop sluiced || fail "stop"
in_service nft list tables | grep -q sluice && fail "the table is still there"
[[ $(stat -c %U /var/log/sluice/eve.json) == sluice ]] || fail "the events are not the service's"
