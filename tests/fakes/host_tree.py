# SPDX-License-Identifier: Apache-2.0
"""A host's folders below a temporary one: /sys, /proc and what udev keeps."""

from pathlib import Path

from agents.sysinv_agent.files import HostFiles


class HostTree:
    """What an agent would read, as a test writes it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = HostFiles(
            sys=root / "sys",
            proc=root / "proc",
            mounts=root / "mountinfo",
            net=root / "net",
            etc=root / "etc",
            usr_lib=root / "usr/lib",
            share=root / "share",
            udev=root / "udev",
            dev=root / "dev",
        )

    def write(self, path: str, text: str = "") -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def link(self, path: str, target: str) -> None:
        """Make a link to a folder, which is made too."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        (place.parent / target).mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def interface(self, name: str, **fields: str) -> None:
        """Make a network interface."""
        fields = {"type": "1", "address": "02:00:00:00:00:01", "mtu": "1500"} | fields
        for field, value in fields.items():
            self.write(f"sys/class/net/{name}/{field}", value + "\n")

    def udev(self, number: str, *lines: str) -> None:
        """Write what udev knows of a block device."""
        self.write(f"udev/data/b{number}", "\n".join(lines) + "\n")
