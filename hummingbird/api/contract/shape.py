# SPDX-License-Identifier: Apache-2.0
"""What an answer looks like: JSON Schema (2020-12), put together from a few words.

A shape stands beside the view that makes it (api/view). It is strict: what it names is
there, and nothing else is, so that tests which hold answers to their shapes find a view
and a shape that have gone apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Union

Schema = dict[str, Any]
Shape = Union[Schema, "Thing"]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer"}
DECIMAL: Final[Schema] = {"type": "number"}
FLAG: Final[Schema] = {"type": "boolean"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
UUID: Final[Schema] = {"type": "string", "format": "uuid"}
FREE: Final[Schema] = {"type": "object"}
"""An object of which the keys are not ours to say."""
NULL: Final[Schema] = {"type": "null"}


@dataclass(frozen=True)
class Thing:
    """An object with a name, under which the document says its shape once."""

    name: str
    fields: Mapping[str, Shape]
    optional: frozenset[str] = field(default=frozenset(), kw_only=True)
    is_open: bool = field(default=False, kw_only=True)
    """Whether it may have more than is said here."""

    @property
    def must(self) -> list[str]:
        """The names of what is always there."""
        return [name for name in self.fields if name not in self.optional]


def words(*allowed: str) -> Schema:
    """Return the shape of one of some words."""
    return {"type": "string", "enum": list(allowed)}


def maybe(shape: Shape) -> Schema:
    """Return the shape of what may be null."""
    return {"anyOf": [shape, NULL]}


def many(shape: Shape) -> Schema:
    """Return the shape of a list."""
    return {"type": "array", "items": shape}


def one_of(*shapes: Shape) -> Schema:
    """Return the shape of any of these."""
    return {"anyOf": list(shapes)}


def listing(key: str, item: Shape, *, is_paged: bool = False) -> Schema:
    """Return the shape of a list's answer: the items under a key, and where more are."""
    properties: dict[str, Shape] = {key: many(item)}
    if is_paged:
        properties["next"] = {**TEXT, "format": "uri"}
    return {
        "type": "object",
        "properties": properties,
        "required": [key],
        "additionalProperties": False,
    }
