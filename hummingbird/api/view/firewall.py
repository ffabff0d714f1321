# SPDX-License-Identifier: Apache-2.0
"""Rules for firewalls as clients see them."""

from typing import Any

from hummingbird.api.contract.shape import TEXT, Thing, words
from hummingbird.domain.emn import Attachment
from hummingbird.domain.firewall import Rule, Where


def rule_view(rule: Rule) -> dict[str, Any]:
    """Return the view of one rule."""
    return {
        "attachment": rule.attachment.value,
        "where": rule.where.value,
        "from": rule.source,
        "to": rule.destination,
        "protocol": rule.protocol,
        "port": rule.port,
        "needed": rule.needed,
        "why": rule.why,
    }


RULE = Thing(
    "FirewallRule",
    {
        "attachment": words(*Attachment),
        "where": words(*Where),
        "from": TEXT,
        "to": TEXT,
        "protocol": words("tcp", "udp"),
        "port": TEXT,
        "needed": TEXT,
        "why": TEXT,
    },
)
