# SPDX-License-Identifier: Apache-2.0
"""Confines this process, and all that it starts, to what a run needs.

In layers, each of which a kernel may lack (doc/decisions/0030-a-run-sees-what-it-needs.md):

- `landlock`: files, TCP ports, devices, signals and abstract sockets of others.
- `seccomp`: system calls that no run needs.
- `namespaces`: a file system, processes and IPC of its own.

What is there is found once, by the conductor (`probe`), and each run is told which layers it
is to have: one that can't be had then ends the run. Capabilities go in any case, but the one
that lets root read files that belong to others, and so does the way to new privileges.
"""

import argparse
import ctypes
import logging
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible import landlock, namespace, seccomp
from hummingbird.adapters.ansible.kernel import (
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    checked,
    libc,
    prctl,
)

LOG = logging.getLogger(__name__)

NAMES: Final = ("landlock", "seccomp", "namespaces")

_SYSTEM: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/sys/devices/system/cpu", "/run/systemd/resolve", "/etc/alternatives"),
    *("/etc/crypto-policies", "/etc/gai.conf", "/etc/group", "/etc/host.conf"),
    *("/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
    *(
        "/etc/ld.so.preload",
        "/etc/locale.alias",
        "/etc/localtime",
        "/etc/nsswitch.conf",
    ),
    *("/etc/os-release", "/etc/passwd", "/etc/pki/tls/openssl.cnf", "/etc/protocols"),
    *("/etc/resolv.conf", "/etc/services", "/etc/ssl/openssl.cnf", "/etc/timezone"),
)
"""What programs need to start, to know who they are and to resolve a name."""

_DEVICES: Final = (
    *("/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"),
)
"""No terminal: ssh and Ansible take a pipe where they get none."""

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the kernel's name
"""Semaphores, and the password that ssh asks for."""

_CAP_DAC_OVERRIDE: Final = 1
_CAP_VERSION: Final = 0x20080522
"""include/uapi/linux/capability.h"""


@dataclass(frozen=True, kw_only=True)
class Layers:
    """What a run is confined by."""

    landlock: int = 0
    """The version of Landlock; 0: none."""
    seccomp: bool = False
    namespaces: bool = False

    def lacks(self, name: str) -> bool:
        """Say whether the layer of this name is missing."""
        return not getattr(self, name)

    def sentences(self) -> Iterator[str]:
        """Yield what is open for what runs playbooks, a sentence for each thing."""
        if not self.landlock:
            files = (
                ""
                if self.namespaces
                else "open the files that this process can (as root, the kernel's"
                " settings in /proc and /sys too), "
            )
            yield (
                f"no Landlock (Linux 5.13, lsm=landlock): it can {files}connect to any"
                " TCP port and to abstract sockets"
            )
        elif self.landlock < 4:
            yield (
                "a Landlock before Linux 6.7: it can connect to any TCP port and to"
                " abstract sockets"
            )
        elif self.landlock < 6:
            yield "a Landlock before Linux 6.12: it can connect to abstract sockets"
        if not self.seccomp:
            yield (
                "no seccomp filter: it can make any system call, with which it changes"
                " modes, owners and times of files that it finds"
            )
        if not self.namespaces:
            yield (
                "no namespaces (CAP_SYS_ADMIN, or user namespaces): it can connect to"
                " sockets that have a path, see other processes"
                + ("" if self.landlock >= 6 else ", signal them")
                + ", and open shared memory whose name it knows"
            )


def arguments(layers: Layers) -> list[str]:
    """Return `layers` as options of a program; see `add_options`."""
    return [f"--{name}={int(getattr(layers, name))}" for name in NAMES]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Have a program take layers; see `given`."""
    for name in NAMES:
        parser.add_argument(f"--{name}", type=int, required=True)


def given(options: argparse.Namespace) -> Layers:
    """Return the layers that a program was told."""
    return Layers(
        landlock=options.landlock,
        seccomp=bool(options.seccomp),
        namespaces=bool(options.namespaces),
    )


def probe() -> Layers:
    """Return what this kernel, and who runs us, let a run have."""
    return Layers(
        landlock=landlock.version(),
        seccomp=seccomp.is_known(),
        namespaces=namespace.is_possible(),
    )


def tell(layers: Layers) -> None:
    """Say in the log what is not confined: a line for each layer that is not whole."""
    for sentence in layers.sentences():
        LOG.warning("What runs playbooks is confined in part: %s.", sentence)


def _programs() -> Iterable[Path]:
    """Return where this Python and what it imports are."""
    yield from map(Path, {sys.prefix, sys.base_prefix, sys.exec_prefix})
    yield from (Path(each) for each in sys.path if each.endswith("-packages"))
    # where we are installed as a link to the sources, which have other things beside us
    yield Path(__file__).parents[2]


def enter(
    layers: Layers,
    *,
    reads: Iterable[Path],
    writes: Iterable[Path],
    port: int | None = None,
) -> None:
    """Confine this process to what programs need, what it `reads` and where it `writes`.

    For good, and for all that it starts. With namespaces it goes on in another process, as
    which the present one will end.

    :param port: the TCP port, of any address, that it may connect to, beside DNS.
    :raises OSError: a layer can't be had.
    """
    reads = [*map(Path, _SYSTEM), *_programs(), *reads]
    writes, devices = [*writes], [*map(Path, _DEVICES)]
    if layers.namespaces:
        namespace.enter(
            reads=reads, writes=writes, devices=devices, before=_drop_powers
        )
    else:
        _drop_powers()
    if layers.landlock:
        files = {
            **dict.fromkeys(map(Path, sys.path), landlock.LIST),
            **dict.fromkeys([*reads, Path("/proc")], landlock.LOOK),
            **dict.fromkeys(devices, landlock.USE_DEVICE),
            **dict.fromkeys(writes, landlock.CHANGE),
            _SHARED_MEMORY: landlock.SHARE,
        }
        ports = () if port is None else (port,)
        landlock.restrict(layers.landlock, files=files.items(), ports=ports)
    if layers.seccomp:
        seccomp.enter()


def _drop_powers() -> None:
    """Keep of root's capabilities the one that reads what others own; get no new ones."""
    kept = 1 << _CAP_DAC_OVERRIDE if os.geteuid() == 0 else 0
    for capability in range(64):
        if not kept >> capability & 1:
            # fails past the last that the kernel knows, and where there is none to drop
            prctl(PR_CAPBSET_DROP, capability)
    header = struct.pack("=Ii", _CAP_VERSION, 0)
    found = ctypes.create_string_buffer(24)
    checked(libc().capget(header, found), "capget")
    kept &= struct.unpack("=6I", found.raw)[1]
    sets = struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    checked(libc().capset(header, sets), "capset")
    checked(prctl(PR_SET_NO_NEW_PRIVS, 1), "prctl")
