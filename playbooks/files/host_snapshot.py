# SPDX-License-Identifier: Apache-2.0
"""Sees what a Linux host is made of, so that two moments can be compared.

A program (`python3 host_snapshot.py` prints one JSON object; `--diff BEFORE AFTER`
prints a JSON list of what differs) and a library of the playbooks' modules, which record
with it what was there before us. Standard library only, Python 3.9, root.

It only reads. It does not see file contents outside /etc (paths and kinds only), nor
rules of the legacy x_tables backend.
"""

import glob
import hashlib
import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Optional

IGNORED = {
    "/dev": "made by the kernel and by udev at every boot",
    "/proc": "the kernel's view of itself",
    "/run": "a tmpfs: new at every boot",
    "/sys": "the kernel's view of itself",
    "/tmp": "anybody's, and emptied by the host itself",
    "/var/tmp": "anybody's, and emptied by the host itself",
    "/etc/.pwd.lock": "a lock that the account tools leave at their first use",
    "/etc/group-": "the account tools' copy of the file before their last change",
    "/etc/gshadow-": "as /etc/group-",
    "/etc/passwd-": "as /etc/group-",
    "/etc/shadow-": "as /etc/group-",
    "/etc/subgid-": "as /etc/group-",
    "/etc/subuid-": "as /etc/group-",
    "/etc/ld.so.cache": "the linker's cache, made anew from the libraries that are there",
    "/etc/mtab": "a link to /proc",
    "/var/cache": "caches: whoever reads one can make it again",
    "/var/lib/apt/extended_states": "apt's marks; compared as package marks",
    "/var/lib/apt/daily_lock": "a lock",
    "/var/lib/apt/lists/auxfiles": "an empty folder that apt makes when it looks",
    "/var/lib/apt/lists/lock": "a lock",
    "/var/lib/apt/lists/partial": "apt's half downloads",
    "/var/lib/apt/mirrors": "an empty folder that apt makes when it looks",
    "/var/lib/apt/periodic": "time stamps of apt's own timers",
    "/var/lib/dhcp": "leases: they change by themselves",
    "/var/lib/dpkg/available": "dpkg's list of what could be had",
    "/var/lib/dpkg/diversions-old": "dpkg's copy of a file before its last change",
    "/var/lib/dpkg/lock": "a lock",
    "/var/lib/dpkg/lock-frontend": "a lock",
    "/var/lib/dpkg/statoverride-old": "dpkg's copy of a file before its last change",
    "/var/lib/dpkg/status-old": "dpkg's copy of a file before its last change",
    "/var/lib/dpkg/triggers": "dpkg's queue and locks",
    "/var/lib/dpkg/updates": "dpkg's journal",
    "/var/lib/logrotate": "time stamps of the host's own timer",
    "/var/lib/private": "state of dynamic users of the host's own services",
    "/var/lib/sudo": "time stamps of sudo",
    "/var/lib/systemd": "random seed, time stamps of timers, linger files; units are "
    "compared as units",
    "/var/log": "the machine's own logs (those of pods are looked at)",
}
"""Paths that change without us, each with why."""

LOOKED_AT_ALL_THE_SAME = (
    "/var/lib/systemd/deb-systemd-helper-enabled",
    "/var/log/containers",
    "/var/log/pods",
)
"""Inside an ignored path, but ours to take away."""

_VOLATILE_SYSCTLS = re.compile(
    r"\.(flush|nf_conntrack_count|hash_size|tcp_fastopen_key|random|"
    r"stable_secret|mtu_expires|gc_\w+|nf_log(\..*)?)$"
    r"|^net\.(core\.netdev_rss_key|ipv4\.tcp_mem|ipv4\.udp_mem|unix\.)"
)
_OTHER_SYSCTLS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""What a kubelet writes at its start (kubernetes pkg/kubelet/cm/container_manager_linux.go)."""

_SESSION_UNITS = re.compile(
    r"^(session-|user@|user-runtime-dir@|user-\d+\.slice|run-|apt-daily|dpkg-db-backup|"
    r"systemd-tmpfiles-clean|systemd-hostnamed|systemd-timedated|systemd-localed|"
    r"fstrim|e2scrub|man-db|logrotate|ssh@|sshd@)"
)
"""Units that come and go with somebody's session, or that a timer starts."""


def run(*argv: str) -> str:
    """Return what a program prints, or nothing where it is not there or fails."""
    environment = dict(os.environ, LC_ALL="C", PATH="/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        done = subprocess.run(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            universal_newlines=True,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def packages() -> dict[str, str]:
    """Return name (with architecture) to version of each installed package."""
    found = {}
    form = "${db:Status-Abbrev}\t${binary:Package}\t${Version}\n"
    for line in run("dpkg-query", "-W", "-f", form).splitlines():
        state, name, version = line.split("\t")
        # rc (removed, configuration left) is a residue too, so it is listed as such
        found[name] = version if state.startswith("ii") else state.strip()
    for line in run("rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\t%{EVR}\n").splitlines():
        name, version = line.split("\t")
        found[name] = version
    return found


def package_marks() -> list[str]:
    """Return the packages that somebody asked for by name (Debian)."""
    return sorted(run("apt-mark", "showmanual").split())


def units() -> dict[str, str]:
    """Return each unit file with its state, and each active or failed unit's."""
    found = {}
    listing = run(
        "systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain"
    )
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 2 and words[1] not in ("generated", "transient"):
            found["file " + words[0]] = words[1]
    listing = run(
        "systemctl", "list-units", "--no-legend", "--no-pager", "--plain", "--all",
        "--type=service,socket,timer,path", "--state=active,failed",
    )  # fmt: skip
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 3 and not _SESSION_UNITS.match(words[0]):
            found["unit " + words[0]] = words[2]
    return found


def accounts(database: str) -> list[str]:
    """Return the lines of /etc/passwd or /etc/group."""
    with open(
        os.path.join("/etc", database), encoding="utf-8", errors="replace"
    ) as file:
        return sorted(line.rstrip("\n") for line in file if line.strip())


def _is_ignored(path: str) -> bool:
    return path in IGNORED or re.search(r"/__pycache__$", path) is not None


def _kind(status: os.stat_result) -> str:
    return {
        stat.S_IFDIR: "dir",
        stat.S_IFLNK: "link",
        stat.S_IFREG: "file",
    }.get(stat.S_IFMT(status.st_mode), "other")


def _describe(path: str) -> str:
    """Return the kind of a path; below /etc also owner, mode and content."""
    status = os.lstat(path)
    kind = _kind(status)
    if not path.startswith("/etc/"):
        return kind
    words = [
        kind,
        oct(stat.S_IMODE(status.st_mode)),
        str(status.st_uid),
        str(status.st_gid),
    ]
    if kind == "link":
        words.append(os.readlink(path))
    elif kind == "file":
        with open(path, "rb") as file:
            words.append(hashlib.sha256(file.read()).hexdigest())
    return " ".join(words)


def _walk(top: str) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        for name in list(folders):
            path = os.path.join(folder, name)
            if _is_ignored(path):
                folders.remove(name)
                continue
            yield path
        for name in names:
            path = os.path.join(folder, name)
            if not _is_ignored(path):
                yield path


def files() -> dict[str, str]:
    """Return each path of the host that is nobody's passing state, with its kind."""
    found = {}
    tops: Iterable[str] = ("/",) + LOOKED_AT_ALL_THE_SAME
    for top in tops:
        if top != "/" and os.path.lexists(top):
            found[top] = _describe(top)
        for path in _walk(top):
            try:
                found[path] = _describe(path)
            except FileNotFoundError:
                continue
    return found


def routes() -> list[str]:
    """Return every route of both families, without ages."""
    found = []
    for family in ("-4", "-6"):
        for line in run("ip", family, "route", "show", "table", "all").splitlines():
            found.append(family + " " + re.sub(r" expires \d+sec", "", line).strip())
    return sorted(found)


def sysctls() -> dict[str, str]:
    """Return the kernel's network settings, and those that a kubelet is known to write."""
    found = {}
    paths = [os.path.join("/proc/sys", name) for name in _OTHER_SYSCTLS]
    for folder, _, names in os.walk("/proc/sys/net"):
        paths.extend(os.path.join(folder, name) for name in names)
    for path in paths:
        name = path[len("/proc/sys/") :].replace("/", ".")
        if _VOLATILE_SYSCTLS.search(name):
            continue
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                found[name] = " ".join(file.read().split())
        except OSError:
            continue
    return found


def interfaces() -> list[str]:
    """Return the names of the network interfaces."""
    return sorted(os.listdir("/sys/class/net"))


def mounts() -> list[str]:
    """Return where file systems are mounted, without sessions' own and the kernel's."""
    found = []
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        for line in file:
            _, target, kind = line.split()[:3]
            if not target.startswith(
                ("/proc", "/sys", "/dev", "/run/user", "/run/cred")
            ):
                found.append(kind + " " + target)
    return sorted(found)


def cgroups() -> list[str]:
    """Return control groups at a hierarchy's top that are not systemd's."""
    found = set()
    for pattern in ("/sys/fs/cgroup/*", "/sys/fs/cgroup/*/*"):
        for path in glob.glob(pattern):
            name = os.path.basename(path)
            is_controller = os.path.dirname(
                path
            ) == "/sys/fs/cgroup" and not os.path.exists(
                "/sys/fs/cgroup/cgroup.controllers"
            )
            if is_controller or not os.path.isdir(path) or os.path.islink(path):
                continue
            if not re.search(r"\.(slice|scope|service|mount|socket|swap)$", name):
                found.add(path)
            elif name.startswith("kubepods"):
                found.add(path)
    return sorted(found)


# --- nf_tables, by netlink: no program on the host is needed to read it ---------------
# Linux include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h

_NETLINK_NETFILTER = 12
_NFNL_SUBSYS_NFTABLES = 10
_NFNL_MSG_BATCH_BEGIN, _NFNL_MSG_BATCH_END = 0x10, 0x11
_GET_TABLE, _DELETE_TABLE, _GET_CHAIN, _DELETE_CHAIN, _GET_RULE = 1, 2, 4, 5, 7
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
Chain = tuple[int, str, str]
"""Family, table, chain (an empty chain name stands for the table itself)."""


def _attributes(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode()


def _message(
    kind: int, flags: int, family: int, resource: int, body: bytes = b""
) -> bytes:
    payload = struct.pack("=BBH", family, 0, socket.htons(resource)) + body
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload


def _nft_socket() -> Optional[socket.socket]:
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        netlink.settimeout(5)
        netlink.bind((0, 0))
    except OSError:
        return None
    return netlink


def _nft_dump(kind: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    netlink = _nft_socket()
    if netlink is None:
        return
    with netlink:
        number = (_NFNL_SUBSYS_NFTABLES << 8) | kind
        netlink.send(_message(number, _REQUEST | _DUMP, 0, 0))
        while True:
            data, at = netlink.recv(1 << 20), 0
            while at + 16 <= len(data):
                length, what = struct.unpack_from("=IH", data, at)
                if what in (_ERROR, _DONE) or length < 16:
                    return
                yield data[at + 16], _attributes(data[at + 20 : at + length])
                at += (length + 3) & ~3


def nft_chains() -> dict[Chain, int]:
    """Return each nf_tables table and chain with the number of its rules."""
    found: dict[Chain, int] = {}
    for family, attributes in _nft_dump(_GET_TABLE):
        found[(family, _text(attributes[1]), "")] = 0
    for family, attributes in _nft_dump(_GET_CHAIN):
        found[(family, _text(attributes[1]), _text(attributes[3]))] = 0
    for family, attributes in _nft_dump(_GET_RULE):
        chain = (family, _text(attributes[1]), _text(attributes[2]))
        found[chain] = found.get(chain, 0) + 1
    return found


def nft_delete(chain: Chain) -> None:
    """Delete a table, or an empty chain.

    :raises OSError: the kernel refuses, for instance because something still uses it.
    """
    family, table, name = chain

    def attribute(kind: int, text: str) -> bytes:
        value = text.encode() + b"\0"
        return (
            struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
        )

    body = attribute(1, table) + (attribute(3, name) if name else b"")
    kind = (_NFNL_SUBSYS_NFTABLES << 8) | (_DELETE_CHAIN if name else _DELETE_TABLE)
    netlink = _nft_socket()
    if netlink is None:
        raise OSError("no nf_tables here")
    with netlink:
        netlink.send(
            _message(_NFNL_MSG_BATCH_BEGIN, _REQUEST, 0, _NFNL_SUBSYS_NFTABLES)
            + _message(kind, _REQUEST | _ACK, family, 0, body)
            + _message(_NFNL_MSG_BATCH_END, _REQUEST, 0, _NFNL_SUBSYS_NFTABLES)
        )
        code = struct.unpack_from("=i", netlink.recv(1 << 16), 16)[0]
    if code:
        raise OSError(-code, os.strerror(-code))


def nft() -> list[str]:
    """Return tables and chains as lines, with how many rules each holds."""
    return sorted(
        " ".join(filter(None, (FAMILIES.get(family, str(family)), table, chain)))
        + (" ({} rules)".format(rules) if chain else "")
        for (family, table, chain), rules in nft_chains().items()
    )


def snapshot() -> dict[str, Any]:
    """Return everything, by section."""
    return {
        "packages": packages(),
        "package_marks": package_marks(),
        "units": units(),
        "users": accounts("passwd"),
        "groups": accounts("group"),
        "files": files(),
        "routes": routes(),
        "sysctls": sysctls(),
        "interfaces": interfaces(),
        "mounts": mounts(),
        "cgroups": cgroups(),
        "nft": nft(),
    }


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what differs, one line a difference, as `section: +|-|~ thing`."""
    lines = []
    for section in sorted(set(before) | set(after)):
        old, new = before.get(section, {}), after.get(section, {})
        old = old if isinstance(old, dict) else dict.fromkeys(old, "")
        new = new if isinstance(new, dict) else dict.fromkeys(new, "")
        for thing in sorted(set(old) | set(new)):
            if thing not in old:
                lines.append("{}: + {} {}".format(section, thing, new[thing]).rstrip())
            elif thing not in new:
                lines.append("{}: - {} {}".format(section, thing, old[thing]).rstrip())
            elif old[thing] != new[thing]:
                change = "{} -> {}".format(old[thing], new[thing])
                lines.append("{}: ~ {} {}".format(section, thing, change))
    return lines


def main(arguments: list[str]) -> int:
    """Print a snapshot, or what differs between two that were kept."""
    if arguments[:1] == ["--diff"] and len(arguments) == 3:
        kept = []
        for name in arguments[1:]:
            with open(name, encoding="utf-8") as file:
                kept.append(json.load(file))
        print(json.dumps(difference(kept[0], kept[1]), indent=1))
        return 0
    if arguments:
        print(
            "usage: host_snapshot.py [--diff BEFORE.json AFTER.json]", file=sys.stderr
        )
        return 2
    print(json.dumps(snapshot()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
