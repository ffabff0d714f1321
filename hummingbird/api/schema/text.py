# SPDX-License-Identifier: Apache-2.0
"""Checks that many attributes share."""

import re

from hummingbird.errors import BadRequest

TEXT_MAX = 255
"""Characters of a text attribute, as StarlingX's databases keep them."""

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")


def invalid(kind: str, name: str, value: object, *, should: str) -> BadRequest:
    """Return the refusal of an attribute's value, in WSME's words, which sysinv uses."""
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return BadRequest(
        message=(
            f"Invalid input for field/attribute {kind}. Value: '{shown}'. "
            f"{name} should be {should}."
        )
    )


def text(kind: str, name: str, value: object, *, maximum: int = TEXT_MAX) -> str | None:
    """Return `value`, a text or None.

    :raises BadRequest: it is neither, or longer than `maximum` characters.
    """
    if value is None or (isinstance(value, str) and len(value) <= maximum):
        return value
    raise invalid(kind, name, value, should=f"a text of at most {maximum} characters")


def boolean(kind: str, name: str, value: object) -> bool:
    """Return `value`, true, false or one of the words that clients send for them.

    :raises BadRequest: it is none of these.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "yes", "on", "1"):
        return True
    if isinstance(value, str) and value.lower() in ("false", "no", "off", "0"):
        return False
    raise invalid(kind, name, value, should="True or False")
