# SPDX-License-Identifier: Apache-2.0
"""Writes doc/firewall.md from hummingbird/domain/firewall.py: `python tools/list_ports.py`.

tests/contract/test_firewall_page.py compares the file with what this would write.
"""

from pathlib import Path

from hummingbird.conf import new
from hummingbird.conf.share import known_ports
from hummingbird.domain.emn import Attachment
from hummingbird.domain.firewall import Rule, Where, rules

TARGET = Path(__file__).resolve().parent.parent / "doc" / "firewall.md"

_HEAD = """\
<!-- Made from hummingbird/domain/firewall.py by tools/list_ports.py; do not edit. -->
# Ports

What has to be let through, for each attachment of a network. Who opens the connection, or
sends the first datagram, stands on the left; what answers comes back by the same (a
firewall with state needs no rule for it). *Outside*: for each firewall between the site
and the controller, and for both ends' own. *Inside*: a tunnel carries it; both ends' own
firewalls see it, nobody in between does.

The numbers are the defaults; `hummingbird firewall-show` shows those of a deployment, and
`--attachment wireguard` one attachment alone. `ping` (ICMP echo) is used by `host-trace`,
and inside a tunnel to find its MTU. ICMP "fragmentation needed" (IPv6: "packet too big")
should pass everywhere.
"""


def text() -> str:
    """Return what the file should be."""
    ports = known_ports(new())
    return _HEAD + "".join(_section(one, rules(ports, [one])) for one in Attachment)


def _section(attachment: Attachment, found: list[Rule]) -> str:
    lines = [f"\n## {attachment}\n"]
    for where in Where:
        some = [rule for rule in found if rule.where is where]
        if some:
            lines += [
                f"\n{where.capitalize()}:\n\n",
                "| from | to | | port | needed | for |\n",
            ]
            lines.append("|---|---|---|---|---|---|\n")
            lines += [
                f"| {rule.source} | {rule.destination} | {rule.protocol} | {_port(rule.port)}"
                f" | {rule.needed} | {rule.why} |\n"
                for rule in some
            ]
    return "".join(lines)


def _port(port: str) -> str:
    return port if port.isdigit() else port.replace("[", "`[") + "`"


if __name__ == "__main__":
    TARGET.write_text(text())
