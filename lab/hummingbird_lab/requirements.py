# SPDX-License-Identifier: Apache-2.0
"""The programs that a lab calls, and the Debian packages that they come in.

Nothing is started by the installation, and nothing that is there is changed: only
what is missing is installed, without recommended packages.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hummingbird_lab.cache import Say
from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError


@dataclass(frozen=True)
class Requirement:
    """A program and its package."""

    program: str
    package: str


ALWAYS = (
    Requirement("ethtool", "ethtool"),
    Requirement("ip", "iproute2"),
    Requirement("mmdebstrap", "mmdebstrap"),
    Requirement("nft", "nftables"),
    Requirement("openssl", "openssl"),
    Requirement("ping", "iputils-ping"),
    Requirement("setpriv", "util-linux"),
    Requirement("ssh", "openssh-client"),
    Requirement("ssh-keygen", "openssh-client"),
    Requirement("sysctl", "procps"),
    Requirement("systemd-nspawn", "systemd-container"),
)
FOR_KUBERNETES = (
    Requirement("apt-ftparchive", "apt-utils"),
    Requirement("busybox", "busybox-static"),
    Requirement("docker-registry", "docker-registry"),
    Requirement("gpg", "gnupg"),
)
FOR_IMAGES = (Requirement("buildah", "buildah"),)

_POLICY = Path("/usr/sbin/policy-rc.d")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024
"""A host of the lab takes 7, one that is a node 15, a control plane 13, and all hosts of
all labs are one user's; the kernel's default of 128 ends with "too many open files" in
systemd and containerd, in whichever host comes last."""


def missing(requirements: Sequence[Requirement]) -> list[str]:
    """Return the packages of the programs that are not on this machine."""
    path = f"{os.environ.get('PATH', '')}:{_PATH}"
    return sorted(
        {
            item.package
            for item in requirements
            if shutil.which(item.program, path=path) is None
        }
    )


def install(requirements: Sequence[Requirement], *, say: Say) -> None:
    """Install what is missing, saying first what that is.

    :raises LabError: this is no machine with apt-get.
    """
    packages = missing(requirements)
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise LabError(
            f"please install {', '.join(packages)}: this machine has no apt-get"
        )
    say(f"installing the packages {', '.join(packages)}")
    run(["apt-get", "-qq", "update"])
    with _no_service_starts():
        run(
            ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *packages],
            env=dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"},
        )


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Keep Debian from starting the services of new packages (invoke-rc.d(8)).

    A policy that the machine has already stays in force.
    """
    try:
        descriptor = os.open(_POLICY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileExistsError:
        yield
        return
    try:
        os.write(descriptor, b"#!/bin/sh\nexit 101\n")
        os.close(descriptor)
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def raise_limits(*, say: Say, limit: Path = INOTIFY) -> None:
    """Let hosts watch as many files as they need, until this machine is started anew.

    :raises LabError: the limit is too low and can't be changed here.
    """
    now = int(limit.read_text())
    if now >= INOTIFY_INSTANCES:
        return
    say(f"raising fs.inotify.max_user_instances from {now} to {INOTIFY_INSTANCES}")
    try:
        limit.write_text(f"{INOTIFY_INSTANCES}\n")
    except OSError as error:
        raise LabError(
            f"fs.inotify.max_user_instances is {now}, which is too low for several hosts, "
            f"and can't be set from here ({error}); on the machine itself: "
            f"sysctl -w fs.inotify.max_user_instances={INOTIFY_INSTANCES}"
        ) from error
