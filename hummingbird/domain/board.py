# SPDX-License-Identifier: Apache-2.0
"""A host's board management controller, as far as its settings say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hummingbird.domain.host import Host


@dataclass(frozen=True, kw_only=True)
class Board:
    """Where a board management controller is, and who may use it."""

    kind: str
    """How it is spoken to: "redfish", "dynamic", which is the same here, or "ipmi"."""
    address: str
    user: str
    password_sealed: str = field(repr=False)
    fingerprint: str | None
    """Of its certificate, pinned at first contact."""
    is_bound: bool = True
    """Whether the password was given for this very board."""


KINDS = frozenset({"redfish", "dynamic", "ipmi"})
"""Values of bm_type that can be used."""

BOUND: Final = "bm_password_for"
"""Where a host's attributes keep for which board the password was given."""
PIN: Final = "bm_fingerprint"
"""Where a host's attributes keep the fingerprint; nobody outside sees or sets it."""


@dataclass(frozen=True, kw_only=True)
class BoardSeen:
    """What was last seen of one host's board."""

    host_id: int
    answered_at: datetime | None
    """When it last let us in."""
    away_since: datetime | None
    """Since when it counts as away; None: it does not."""
    reason: str | None
    """Why, in a sentence."""


FAILURES_LEAST: Final = 2
ANSWER_AGE: Final = 1.5
"""In times between two looks: so long the answer to another conductor stands, that may
reach boards which this one does not."""


def counts_as_away(
    *,
    failures: int,
    answered_at: datetime | None,
    now: datetime,
    check_seconds: float,
) -> bool:
    """Return whether a board that did not let us in is away.

    :param failures: how often this was so, one time after the other.
    :param answered_at: when it last let anybody in.
    :param check_seconds: between two looks at it.
    """
    if failures < FAILURES_LEAST:
        return False
    patience = timedelta(seconds=ANSWER_AGE * check_seconds)
    return answered_at is None or now - answered_at >= patience


def board_of(host: Host) -> Board | None:
    """Return the board management controller of `host`, or None where its settings do
    not say all that is needed to use one."""
    settings = host.attributes
    kind, address = settings.get("bm_type"), settings.get("bm_ip")
    user, sealed = settings.get("bm_username"), settings.get("bm_password_sealed")
    if kind not in KINDS or not address or not user or not sealed:
        return None
    return Board(
        kind=str(kind),
        address=str(address),
        user=str(user),
        password_sealed=str(sealed),
        fingerprint=_text(settings.get(PIN)),
        # One from before there was this has none, and is where it was.
        is_bound=settings.get(BOUND, bound_to(settings)) == bound_to(settings),
    )


def bound_to(settings: Mapping[str, object]) -> list[str]:
    """Return which board these settings of a host name: type, address, user."""
    # Redfish and dynamic are the same here; from either to IPMI the password would go in
    # a form that can be guessed.
    kind = str(settings.get("bm_type"))
    return [
        "redfish" if kind == "dynamic" else kind,
        str(settings.get("bm_ip")),
        str(settings.get("bm_username")),
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
