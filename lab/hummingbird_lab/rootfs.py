# SPDX-License-Identifier: Apache-2.0
"""The root file system that every host starts from: a plain Debian 12, made once.

It has what a box has that somebody else set up: systemd, sshd, Python, sudo and a
user with a key.  The container runtime, the kubelet and the rest come over the
network, when the product provisions the host.  Packages come from the machine's own
package sources; the hosts themselves have none.
"""

from pathlib import Path

from hummingbird_lab import cache, inventory
from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError

SUITE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "dbus",
    "gpgv",
    "iproute2",
    "iputils-ping",
    "less",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)

FIRST_PROGRAM = "/usr/sbin/lab-init"
_FIRST_PROGRAM_TEXT = """\
#!/bin/sh
# Process 1 of a lab host until systemd takes over.
# systemd-nspawn mounts the v1 controllers read-only; a container runtime needs them.
for group in /sys/fs/cgroup/*; do
    mount -o remount,bind,rw,nosuid,nodev,noexec "$group" 2>/dev/null
done
# The kubelet checks settings of the whole machine, which the lab must not change: the
# host sees files that already say what it wants.
mkdir -p /run/lab-sysctl
for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
    name=${setting%=*}
    file=/run/lab-sysctl/${name##*/}
    echo "${setting#*=}" >"$file"
    mount --bind "$file" "/proc/sys/$name"
done
exec /lib/systemd/systemd "$@"
"""

_HOST_KEYS_UNIT = """\
[Unit]
Description=Make the SSH host keys at the first boot
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key

[Install]
WantedBy=multi-user.target
"""

# They need hardware, a console or the internet, and only cost time at boot.
_MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "getty@tty1.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-journal-flush.service",
    "systemd-modules-load.service",
    "systemd-pstore.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
)

_FILES = {
    "etc/sudoers.d/edge": f"{inventory.SSH_USER} ALL=(ALL) NOPASSWD:ALL\n",
    "etc/ssh/sshd_config.d/lab.conf": "PasswordAuthentication no\nUseDNS no\n",
    "etc/systemd/system/ssh-hostkeys.service": _HOST_KEYS_UNIT,
    "etc/systemd/journald.conf.d/lab.conf": (
        "[Journal]\nStorage=persistent\nSystemMaxUse=32M\n"
    ),
    # A container that ignores SIGTERM would hold every reboot for 90 s.
    "etc/systemd/system.conf.d/lab.conf": "[Manager]\nDefaultTimeoutStopSec=5s\n",
    # No DNS: an address where nobody answers at once, instead of a time-out.
    "etc/resolv.conf": "nameserver 127.0.0.1\n",
    "etc/machine-id": "",
}


def sources() -> Path:
    """Return the machine's own list of package sources.

    :raises LabError: there is none, so this is no Debian.
    """
    folder = Path("/etc/apt")
    for path in (folder / "sources.list.d/debian.sources", folder / "sources.list"):
        if path.is_file() and path.read_text().strip():
            return path
    raise LabError(
        "this machine has no /etc/apt/sources.list.d/debian.sources and no"
        " /etc/apt/sources.list: the lab is made for Debian 12"
    )


def path() -> Path:
    """Return where the finished tree is, or will be."""
    return cache.entry("rootfs", [Path(__file__).read_bytes(), SUITE])


def make(*, say: cache.Say) -> Path:
    """Return the tree, made in about 30 s if it is not in the cache."""
    return cache.make(
        path(), _build, say=say, what="the hosts' root file system (about 30 s)"
    )


def _build(folder: Path) -> None:
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--mode=root",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            SUITE,
            folder,
            sources(),
        ]
    )
    _customise(folder)


def _customise(tree: Path) -> None:
    """Make the tree a box without identity: its keys and ids come at first boot."""
    for stale in (
        *tree.glob("etc/ssh/ssh_host_*"),
        *tree.glob("etc/apt/sources.list.d/*"),
        *tree.glob("var/lib/apt/lists/*_*"),
        tree / "etc/apt/sources.list",
        tree / "etc/fstab",
        tree / "etc/resolv.conf",
        tree / "var/lib/dbus/machine-id",
        tree / "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    ):
        stale.unlink(missing_ok=True)
    run(
        [
            "chroot",
            tree,
            "useradd",
            "--create-home",
            "--shell=/bin/bash",
            "--groups=sudo",
            inventory.SSH_USER,
        ]
    )
    for name, text in _FILES.items():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o644)
    (tree / "etc/sudoers.d/edge").chmod(0o440)
    first = tree / FIRST_PROGRAM.lstrip("/")
    first.write_text(_FIRST_PROGRAM_TEXT)
    first.chmod(0o755)
    units = tree / "etc/systemd/system"
    for unit in _MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    for unit in ("systemd-networkd.service", "ssh-hostkeys.service"):
        source = "/etc" if unit.startswith("ssh-") else "/lib"
        link = wanted / unit
        link.unlink(missing_ok=True)
        link.symlink_to(f"{source}/systemd/system/{unit}")
    default = units / "default.target"
    default.unlink(missing_ok=True)
    default.symlink_to("/lib/systemd/system/multi-user.target")
