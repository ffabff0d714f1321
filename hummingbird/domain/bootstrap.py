# SPDX-License-Identifier: Apache-2.0
"""The script that whoever stands before a host runs once, so that the host comes to us.

Pure text: the files of the role `tunnel` with this host's values in them. The claim's
private key is not among them: who asks for the script has made it, puts it into its place
and gives us its public half alone.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

CLAIM_PLACE: Final = "@CLAIM_KEY@"
"""Where the claim's private key goes, by the hand of who made it."""
BUNDLE_PLACE: Final = "@BUNDLE@"
"""Where programs for the host may go, as a packed archive in base64."""


@dataclass(frozen=True, kw_only=True)
class Templates:
    """The texts that the script is made of."""

    script: str
    program: str
    unit: str


def script(
    templates: Templates,
    *,
    hostname: str,
    settings: str,
    endpoint: str,
    user: str,
    ssh_key: str | None,
    until: datetime,
) -> str:
    """Return the script, its claim and its bundle still to be put in.

    :param hostname, user, endpoint: checked before; they end up in a shell, quoted.
    :param settings: see `domain.tunnel.host_settings`.
    :param ssh_key: the line of authorized_keys that lets the conductor in; None: it has
        another way.
    :param until: when the claim ends.
    """
    variables = {
        "HOSTNAME_WANTED": hostname,
        "HUB_ENDPOINT_SHOWN": endpoint,
        "SSH_USER": user,
        "SSH_KEY": ssh_key or "",
    }
    places: Mapping[str, str] = {
        "@HOSTNAME@": hostname,
        "@UNTIL@": until.strftime("%Y-%m-%d %H:%M UTC"),
        "@VARIABLES@": "\n".join(
            f"{name}={shlex.quote(value)}" for name, value in variables.items()
        ),
        "@SETTINGS@": settings.rstrip("\n"),
        "@UNIT@": templates.unit.rstrip("\n"),
        "@PROGRAM@": templates.program.rstrip("\n"),
    }
    text = templates.script
    for place, value in places.items():
        text = text.replace(place, value)
    return text
