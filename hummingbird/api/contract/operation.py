# SPDX-License-Identifier: Apache-2.0
"""An operation: what a route takes and gives, from which the OpenAPI document is made.

What it says of the query holds: a name that is not there is refused before the controller
is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hummingbird.api.contract.shape import Schema, Shape
from hummingbird.api.http.call import Call
from hummingbird.api.schema.page import DIRECTIONS, parse_direction, parse_limit

Handler = Callable[[Call], Any]


class HasSchema(Protocol):
    """What a body is held to."""

    @property
    def schema(self) -> Schema: ...


@dataclass(frozen=True)
class Argument:
    """One argument of a query."""

    name: str
    about: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    is_repeated: bool = False
    check: Callable[[str], object] | None = None
    """Holds a value to the schema, where the schema says more than "a text"."""


@dataclass(frozen=True)
class Operation:
    """What one route is for."""

    summary: str
    answer: Shape | None = None
    """None: an answer without a body (204)."""
    status: int = field(default=200, kw_only=True)
    query: tuple[Argument, ...] = field(default=(), kw_only=True)
    body: HasSchema | None = field(default=None, kw_only=True)
    body_type: str = field(default="application/json", kw_only=True)
    is_public: bool = field(default=False, kw_only=True)
    has_tag: bool = field(default=False, kw_only=True)
    """Whether If-Match (of a change) or If-None-Match (of a look) is heeded."""
    further: Mapping[int, str] = field(default_factory=dict, kw_only=True)
    """Statuses beyond those that every operation may have, and why."""

    @property
    def success(self) -> int:
        """The status of an answer to what was done."""
        return 204 if self.answer is None else self.status


@dataclass(frozen=True)
class Patch:
    """A JSON patch (RFC 6902) as sysinv and FM take it."""

    operations: tuple[str, ...]
    about: str

    @property
    def schema(self) -> Schema:
        return {
            "type": "array",
            "description": self.about,
            "items": {
                "type": "object",
                "properties": {
                    "op": {"type": "string", "enum": list(self.operations)},
                    "path": {"type": "string", "pattern": "^(/[a-zA-Z0-9_-]+)+$"},
                    "value": {},
                },
                "required": ["op", "path"],
            },
        }


@dataclass(frozen=True)
class Anything:
    """An object of which nothing is read."""

    @property
    def schema(self) -> Schema:
        return {"type": "object"}


ANYTHING: Final = Anything()

LIMIT: Final = Argument(
    "limit",
    "Most items; without it, or with 0, all of them.",
    {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, {"const": ""}]},
    check=lambda given: parse_limit(given, maximum=0),
)
MARKER: Final = Argument("marker", "The last item of the page before.")
SORT_DIR: Final = Argument(
    "sort_dir",
    "Which way.",
    {"type": "string", "enum": list(DIRECTIONS)},
    check=parse_direction,
)


def sort_key(default: str) -> Argument:
    """Return the argument that says by what a list is sorted."""
    return Argument("sort_key", f"By what the list is sorted; default {default}.")


def guarded(operation: Operation, handler: Handler) -> Handler:
    """Return `handler`, called only with arguments that `operation` has."""
    names = [argument.name for argument in operation.query]
    checks = {argument.name: argument.check for argument in operation.query}

    def guard(call: Call) -> Any:
        call.success = operation.success
        for name, value in call.arguments(*names).items():
            check = checks[name]
            if check is not None:
                check(value)
        return handler(call)

    return guard
