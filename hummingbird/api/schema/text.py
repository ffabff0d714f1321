# SPDX-License-Identifier: Apache-2.0
"""Checks that many attributes share."""

import re

from hummingbird.errors import BadRequest
from hummingbird.printable import OBEYED, is_plain

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


PLAIN_PATTERN = f"^[^{OBEYED}]*$"
"""The form of a text of one line, in JSON Schema's regular expressions (ECMA-262)."""


def text(kind: str, name: str, value: object, *, maximum: int = TEXT_MAX) -> str | None:
    """Return `value`, a text of one line or None.

    :raises BadRequest: it is neither, or longer than `maximum` characters, or has
        characters that a terminal would obey.
    """
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > maximum:
        should = f"a text of at most {maximum} characters"
        raise invalid(kind, name, value, should=should)
    if not is_plain(value):
        raise invalid(kind, name, value, should="one line, without control characters")
    return value


def unjudged(kind: str, name: str, value: object) -> str | None:
    """Return `value`, a text or None, for whoever judges it in words of its own.

    :raises BadRequest: it is neither, or longer than TEXT_MAX characters.
    """
    if value is None or (isinstance(value, str) and len(value) <= TEXT_MAX):
        return value
    raise invalid(kind, name, value, should=f"a text of at most {TEXT_MAX} characters")


def password(name: str, value: object, *, maximum: int = TEXT_MAX) -> str | None:
    """Return `value`, one line or None; nothing in quotes is None. A refusal does not
    repeat it.

    :raises BadRequest: it is neither, or too long.
    """
    if value is None or value == "":
        return None
    if (
        not isinstance(value, str)
        or len(value) > maximum
        or any(character in value for character in "\r\n\x00")
    ):
        raise BadRequest(
            message=f"{name} should be one line of at most {maximum} characters."
        )
    return value


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
