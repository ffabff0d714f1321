# SPDX-License-Identifier: Apache-2.0
"""JSON as RFC 8259 and RFC 7493 (I-JSON) have it, from whoever may have written it.

Python's reader takes more than that: NaN and Infinity, 1e309 (which becomes Infinity), a
name that stands twice in an object (of which the last counts here, and perhaps the first
elsewhere), halves of surrogate pairs, other encodings than UTF-8, any depth. What is read
here can be stored in each of our databases, and be written again as JSON.
"""

import json
import math
from typing import Any, Final, NoReturn

DEPTH_MAX: Final = 32
"""Objects and lists within each other; ours have at most six."""
INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**64 - 1
"""What fits into 64 bits, with a sign or without; a clock's or a counter's does."""


def read(text: str | bytes) -> Any:
    """Return what JSON text says.

    :raises ValueError: it is not JSON, or holds what no JSON of ours should hold.
    """
    content = parse(text)
    _check(content, depth=DEPTH_MAX)
    return content


def parse(text: str | bytes) -> Any:
    """Return what JSON text says, to whoever checks its texts and its depth.

    :param text: bytes are UTF-8 (RFC 8259, section 8.1).
    :raises ValueError: it is not JSON; a number has no place; a name stands twice.
    """
    try:
        return json.loads(
            text.decode() if isinstance(text, bytes) else text,
            parse_constant=_refuse,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_object,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _int(text: str) -> int:
    # Twenty digits and a sign; int() itself takes a time that grows with their square.
    if len(text) > 21 or not INTEGER_MIN <= int(text) <= INTEGER_MAX:
        raise ValueError("a whole number has more than 64 bits")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _check(content: object, *, depth: int) -> None:
    """See that neither a NUL nor half a surrogate pair is in a text (databases refuse
    them with errors that would look like ours), and nothing is too deep."""
    if isinstance(content, str):
        _check_text(content)
        return
    if not isinstance(content, list | dict):
        return
    if depth == 0:
        raise ValueError(f"more than {DEPTH_MAX} objects and lists are in each other")
    if isinstance(content, list):
        for item in content:
            _check(item, depth=depth - 1)
        return
    for name, item in content.items():
        _check_text(name)
        _check(item, depth=depth - 1)


def _check_text(text: str) -> None:
    text.encode()
    if "\x00" in text:
        raise ValueError("a text holds NUL")
