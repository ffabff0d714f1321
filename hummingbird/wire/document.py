# SPDX-License-Identifier: Apache-2.0
"""JSON objects that cross, and what may be in one.

A document is within these bounds or it is refused as a whole. They are such that every
database that is supported can store what passed, whatever it is: PostgreSQL stores no
NUL, and no JSON has a lone surrogate, an infinity or a NaN. Names, lists and nesting are
bounded for those who read it later. The largest honest values are: 3 KB of text (the
addresses of 256 virtual functions), some thousands of items (the functions of a large
server's PCI bus) and three levels.
"""

import math
from typing import Any, Final

from hummingbird.wire import json_text

DEPTH_MOST: Final = 8
NAME_MOST: Final = 64
TEXT_MOST: Final = 8192
ITEMS_MOST: Final = 8192
"""Of one list, or fields of one object."""
INT_LEAST: Final = -(2**63)
INT_MOST: Final = 2**63 - 1


class MessageInvalid(ValueError):
    """A message is not what the protocol says; the text says how."""


def read(body: bytes, *, text_most: int = TEXT_MOST) -> dict[str, Any]:
    """Return the JSON object in `body`.

    :param text_most: characters of the longest text.
    :raises MessageInvalid: it is none, or beyond a bound.
    """
    try:
        document = json_text.parse(body)
    except ValueError as error:
        raise MessageInvalid(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MessageInvalid("the body is not a JSON object")
    _check(document, depth=DEPTH_MOST, text_most=text_most)
    return document


def storable(content: Any, *, depth: int = DEPTH_MOST) -> Any:
    """Return `content` with what no receiver would take replaced or left out: for what a
    host's firmware, or a name on its disks, may hold."""
    if isinstance(content, str):
        clean = content.replace("\0", "").encode("utf-8", "replace").decode()
        return clean[:TEXT_MOST]
    if isinstance(content, dict):
        return {
            storable(str(name))[:NAME_MOST]: storable(one, depth=depth - 1)
            for name, one in list(content.items())[:ITEMS_MOST]
            if _is_storable(one, depth=depth - 1)
        }
    if isinstance(content, list | tuple):
        return [
            storable(one, depth=depth - 1)
            for one in content[:ITEMS_MOST]
            if _is_storable(one, depth=depth - 1)
        ]
    return content


def _is_storable(content: object, *, depth: int) -> bool:
    if isinstance(content, float):
        return math.isfinite(content)
    if isinstance(content, int):
        return INT_LEAST <= content <= INT_MOST
    if isinstance(content, dict | list | tuple):
        return depth > 0
    return content is None or isinstance(content, str)


def _check(content: object, *, depth: int, text_most: int) -> None:
    if isinstance(content, str):
        check_text(content, most=text_most)
    elif isinstance(content, float):
        if not math.isfinite(content):
            raise MessageInvalid("a number is not finite")
    elif isinstance(content, int):
        if not INT_LEAST <= content <= INT_MOST:
            raise MessageInvalid("a whole number has more than 64 bits")
    elif isinstance(content, dict | list):
        if depth == 0:
            raise MessageInvalid(f"it is nested deeper than {DEPTH_MOST}")
        if len(content) > ITEMS_MOST:
            raise MessageInvalid(f"more than {ITEMS_MOST} items")
        if isinstance(content, dict):
            for name in content:
                check_text(name, most=NAME_MOST)
            content = list(content.values())
        for one in content:
            _check(one, depth=depth - 1, text_most=text_most)


def check_text(text: str, *, most: int) -> None:
    """Return if every database can store `text`.

    :raises MessageInvalid: it is too long, has a NUL or is not Unicode.
    """
    if len(text) > most:
        raise MessageInvalid(f"a text is longer than {most}")
    if text.isascii():
        if "\0" in text:
            raise MessageInvalid("a text has a NUL")
        return
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise MessageInvalid("a text has a NUL or half a character")


def text(document: dict[str, Any], name: str, *, most: int) -> str:
    """Return the text that `name` is, of 1 to `most` characters.

    :raises MessageInvalid: it is none.
    """
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise MessageInvalid(f"{name} must be a text of 1 to {most} characters")
    return value


def number(document: dict[str, Any], name: str, *, least: float, most: float) -> float:
    """Return the number that `name` is.

    :raises MessageInvalid: it is none, or out of bounds.
    """
    value = document.get(name)
    # A bool is an int to Python, not to the protocol; NaN fails the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MessageInvalid(f"{name} must be a number")
    if not least <= value <= most:
        raise MessageInvalid(f"{name} must be between {least} and {most}")
    return value


def whole(document: dict[str, Any], name: str, *, least: int, most: int) -> int:
    """Return the whole number that `name` is.

    :raises MessageInvalid: it is none, or out of bounds.
    """
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MessageInvalid(f"{name} must be a whole number")
    if not least <= value <= most:
        raise MessageInvalid(f"{name} must be between {least} and {most}")
    return value
