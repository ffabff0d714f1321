# SPDX-License-Identifier: Apache-2.0
"""Text that a terminal, a table, a spreadsheet and a shell would obey, and answers of the
API that have it in every text that is not one of a few words."""

from collections.abc import Iterator
from typing import Any, Final

from tests.conformance import DOCUMENT

POISON: Final = (
    "\x1b]0;owned\x07"  # sets a window's title
    "\x1b[2J\x1b[31m"  # erases the screen
    "\x9b31m\x85"  # the same in eight bits (C1); next line
    "\u202e\u2066\u200f"  # turns the order of what follows
    "\u2028\u2029\x0b\x0c\r"  # line ends that are none of ours
    "\n| FORGED | row |\n\t"
    "\u200b\xad\x7f\x08"  # not seen; takes back a character
    "\U000e0041\ufeff"  # tags; a byte order mark
    '"; touch owned; "$(touch owned)`touch owned`\\'
    "=1+1"
)
UUID: Final = "00000000-0000-4000-8000-000000000007"


def poisoned(schema: dict[str, Any], *, depth: int = 0) -> Any:
    """Return content of this shape; each text that may be anything is POISON."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return poisoned(DOCUMENT["components"]["schemas"][name], depth=depth)
    if "anyOf" in schema:
        return poisoned(schema["anyOf"][0], depth=depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            return _text(schema)
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "array":
            return [poisoned(schema.get("items", {}), depth=depth + 1)] * 2
        case "object":
            return _object(schema, depth=depth)
        case list() as kinds:
            return poisoned({**schema, "type": kinds[0]}, depth=depth)
    return POISON


def _text(schema: dict[str, Any]) -> str:
    match schema.get("format"):
        case "date-time":
            return "2026-11-24T10:00:00+00:00"
        case "uuid":
            return UUID
        case "uri":
            return "https://edge.example:6385/v1"
    return POISON


def _object(schema: dict[str, Any], *, depth: int) -> dict[str, Any]:
    if "properties" in schema:
        found = {
            name: poisoned(part, depth=depth + 1)
            for name, part in schema["properties"].items()
            if name != "next"
        }
        if "entity_instance_id" in found:
            # Else nobody would show it who asks for what is about a host.
            found["entity_instance_id"] = f"host=edge-0.{POISON}"
        return found
    free = schema.get("additionalProperties", {})
    if isinstance(free, dict) and free:
        return {POISON: poisoned(free, depth=depth + 1)}
    inner = {POISON: POISON, "deeper": [[POISON], {POISON: [POISON]}]}
    return {POISON: POISON, "system": inner, "ports": [inner, inner]}


def texts(content: Any) -> Iterator[str]:
    """Yield every text in JSON content, names too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for name, part in content.items():
            yield name
            yield from texts(part)
    elif isinstance(content, list):
        for part in content:
            yield from texts(part)


def see_clean(text: str) -> None:
    """See that a terminal shows this and does nothing."""
    for line in text.split("\n"):
        assert line.replace("\t", "").isprintable(), repr(line)


def see_no_forged_row(text: str) -> None:
    """See that no line of this is a host's own."""
    for line in text.split("\n"):
        assert not line.lstrip().startswith("| FORGED"), line
