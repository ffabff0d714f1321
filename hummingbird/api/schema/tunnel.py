# SPDX-License-Identifier: Apache-2.0
"""What a client sends to bring a host to its controller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hummingbird.api.schema.attribute import Attribute, Body, By, Flag, Number
from hummingbird.domain.tunnel import CLAIM_HOURS_MAX
from hummingbird.domain.wireguard import check_public_key
from hummingbird.errors import PublicKeyInvalid


@dataclass(frozen=True, kw_only=True)
class NewClaim:
    """A claim that may be given out."""

    claim_key: str
    hours: int
    authorize: bool
    """Whether the script lets the conductor in by SSH."""


def parse_claim(body: Mapping[str, Any], *, hours: int) -> NewClaim:
    """Return the claim that `body` asks for.

    :param hours: for which it is good where the client does not say.
    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    NEW_CLAIM.refuse_unknown(body)
    return NewClaim(
        claim_key=NEW_CLAIM.read(body, "claim_key"),
        hours=NEW_CLAIM.read(body, "hours", hours),
        authorize=NEW_CLAIM.read(body, "authorize", True),
    )


def _public_key(_name: str, value: object) -> str:
    if not isinstance(value, str):
        raise PublicKeyInvalid()
    return check_public_key(value)


NEW_CLAIM: Final = Body(
    "claim",
    {
        "claim_key": Attribute(
            By(
                _public_key,
                {
                    "type": "string",
                    "pattern": "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$",
                    "description": "The public half of a WireGuard key pair that was made "
                    "for this claim alone.",
                },
            ),
            must=True,
        ),
        "hours": Attribute(
            Number(
                least=1, most=CLAIM_HOURS_MAX, should=f"1 to {CLAIM_HOURS_MAX} hours"
            ),
            "For so long the claim is good.",
        ),
        "authorize": Attribute(
            Flag(), "Whether the script lets the conductor in by SSH."
        ),
    },
)
