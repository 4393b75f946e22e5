# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A real systemd in the guest, with the Debian package's service under it.

# install_package: the one that ./dev package made, or $LAB_PACKAGE.
install_package() {
    local package
    [[ ${LAB_IN_GUEST:-} ]] || skip "installs a package: in the guest only"
    package=${LAB_PACKAGE:-$(echo "$LAB_HOME"/../build/sluice_*.deb)}
    [[ -f $package ]] || fail "no package: ./dev package makes it"
    dpkg -i "$package" || fail "dpkg"
}

manager_there() {
    MANAGER=$(pgrep -x systemd | head -n 1) && [[ -S /run/systemd/private ]]
}

# boot_systemd [COMMAND PREFIX...]: as ip netns exec NAME. It gets a /tmp of its own, which it empties when it boots.
boot_systemd() {
    # shellcheck disable=SC2016 # for the inner shell
    in_background systemd "$@" unshare --pid --fork --mount-proc --mount --kill-child=KILL bash -c '
        mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
        mount -t tmpfs tmpfs /tmp
        exec env -i container=lab PATH="$PATH" /lib/systemd/systemd --system --unit=multi-user.target'
    patiently 120 manager_there || fail "systemd does not start"
    patiently 120 is_active || fail "the service is not active: $(in_service journalctl -n 20 -u sluiced 2>&1)"
}

in_service() {
    nsenter -t "$MANAGER" -p -m -n "$@"
}

# shown PROPERTY
shown() {
    in_service systemctl show sluiced -p "$1" --value
}

is_active() {
    [[ $(shown ActiveState) == active ]]
}

started_anew() {
    [[ $(shown NRestarts) == "$1" ]] && is_active
}
