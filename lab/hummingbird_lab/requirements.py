# SPDX-License-Identifier: Apache-2.0
"""The programs that a lab calls, and the Debian packages that they come in.

Nothing is started by the installation, and nothing that is there is changed: only
what is missing is installed, without recommended packages.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
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
    Requirement("openssl", "openssl"),
)
FOR_IMAGES = (Requirement("buildah", "buildah"),)

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
    with tempfile.TemporaryDirectory() as folder:
        # Debian starts a service when its package is installed, unless this says no.
        policy = Path(folder) / "policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        run(
            ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *packages],
            env=dict(os.environ)
            | {"DEBIAN_FRONTEND": "noninteractive", "POLICYRCD": str(policy)},
        )
