# SPDX-License-Identifier: Apache-2.0
"""Errors across RPC: a code and facts, from which the other side makes the same error.

No class name, no traceback and no pickle crosses: who can write to the message bus can't
make us load anything. An error of a newer peer that we do not know arrives as the root
error.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hummingbird.errors import HummingbirdError


def pack(error: HummingbirdError) -> dict[str, Any]:
    """Return what of `error` crosses."""
    return {"code": error.code, "facts": error.facts}


def rebuild(packed: Mapping[str, Any]) -> HummingbirdError:
    """Return the error that `pack` packed."""
    every: list[type[HummingbirdError]] = [HummingbirdError]
    every += _descendants(HummingbirdError)
    for known in every:
        if known.code == packed.get("code"):
            try:
                return known(**packed.get("facts", {}))
            except (KeyError, TypeError):  # its sentence wants facts that an old peer
                break  # does not send
    return HummingbirdError(**packed.get("facts", {}))


def _descendants(parent: type[HummingbirdError]) -> Iterator[type[HummingbirdError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _descendants(child)
