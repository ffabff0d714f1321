# SPDX-License-Identifier: Apache-2.0
"""Whether this controller forwards what comes in by one of its interfaces.

Looks only: the settings and the firewall are the operator's. What is seen of the firewall
is what nftables has (iptables-nft too, its legacy form not), and of that only chains which
drop whatever no rule lets through. Their rules are not understood: one that names the
interface is taken for one that lets it through.
"""

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Final, Protocol

_SETTINGS: Final = Path("/proc/sys/net")
_LINKS: Final = Path("/sys/class/net")
_NFT_SECONDS: Final = 10.0


class Forwarding(Protocol):
    """What the kernel does with packets that are not for this machine."""

    def has(self, interface: str) -> bool:
        """Return whether there is such an interface, and it is not the operator's own
        bridge, on which nothing has to be forwarded."""

    def is_on(self, interface: str, *, version: int) -> bool:
        """Return whether IPv4 or IPv6 that comes in by `interface` is forwarded."""

    def shut_out(self, interface: str) -> list[str]:
        """Return the firewall's chains that seem to drop what it would forward."""


class SystemForwarding:
    """Of the network namespace that this process is in."""

    def __init__(self, *, bridge: str) -> None:
        """:param bridge: is only asked about where we made it."""
        self._bridge = bridge

    def has(self, interface: str) -> bool:
        if interface not in {name for _, name in socket.if_nameindex()}:
            return False
        if interface != self._bridge:
            return True
        try:
            return (_LINKS / interface / "ifalias").read_text().strip() == "hummingbird"
        except FileNotFoundError:
            return False  # it just went

    def is_on(self, interface: str, *, version: int) -> bool:
        setting = _SETTINGS / f"ipv{version}" / "conf" / interface / "forwarding"
        try:
            return setting.read_text().strip() != "0"
        except FileNotFoundError:
            return False  # it just went, or the kernel has no IPv6

    def shut_out(self, interface: str) -> list[str]:
        program = shutil.which("nft")
        if program is None:
            return []
        found = []
        for chain in _asked(program, "list", "chains"):
            if chain.get("hook") != "forward" or chain.get("policy") != "drop":
                continue
            where = (chain["family"], chain["table"], chain["name"])
            rules = _asked(program, "list", "chain", *where)
            if f'"{interface}"' not in json.dumps(rules):
                found.append(" ".join(where))
        return found


def _asked(program: str, *words: str) -> list[dict[str, Any]]:
    """Return the chains and rules that nft lists; none where it can't."""
    try:
        done = subprocess.run(
            [program, "--json", *words],
            capture_output=True,
            timeout=_NFT_SECONDS,
            check=True,
        )
        listed = json.loads(done.stdout)["nftables"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return []
    return [
        found
        for item in listed
        if (found := item.get("chain") or item.get("rule")) is not None
    ]
