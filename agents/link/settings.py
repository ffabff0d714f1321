# SPDX-License-Identifier: Apache-2.0
"""What the chart tells an agent, through its environment and its mounts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.link.exchange import Gateway
from agents.link.session import TOKEN_FILE

CA_FILE = Path("/etc/hummingbird/ca.crt")


class SettingsInvalid(ValueError):
    """The environment lacks something; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One agent's settings."""

    node_name: str
    gateway: Gateway
    token_file: Path


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in NODE_NAME, GATEWAY, CA_FILE and TOKEN_FILE.

    :raises SettingsInvalid: one is missing or wrong.
    """
    missing = [name for name in ("NODE_NAME", "GATEWAY") if not environment.get(name)]
    if missing:
        raise SettingsInvalid(f"{' and '.join(missing)} must be set")
    try:
        gateway = Gateway.parse(
            environment["GATEWAY"],
            ca_file=Path(environment.get("CA_FILE") or CA_FILE),
        )
    except ValueError as error:
        raise SettingsInvalid(f"GATEWAY: {error}") from error
    return Settings(
        node_name=environment["NODE_NAME"],
        gateway=gateway,
        token_file=Path(environment.get("TOKEN_FILE") or TOKEN_FILE),
    )
