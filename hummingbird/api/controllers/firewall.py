# SPDX-License-Identifier: Apache-2.0
"""/v1/firewall: which ports this deployment needs, by attachment."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.text import invalid
from hummingbird.api.view.firewall import rule_view
from hummingbird.conf.share import known_ports
from hummingbird.domain.emn import Attachment
from hummingbird.domain.firewall import rules


def list_all(call: Call) -> Any:
    """GET /v1/firewall?attachment="""
    given = call.arguments("attachment").get("attachment")
    try:
        wanted = tuple(Attachment) if given is None else (Attachment(given),)
    except ValueError as error:
        words = ", ".join(Attachment)
        raise invalid(
            "firewall", "attachment", given, should=f"one of {words}"
        ) from error
    found = rules(known_ports(call.dependencies.conf), wanted)
    return {"rules": [rule_view(one) for one in found]}
