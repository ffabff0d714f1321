# SPDX-License-Identifier: Apache-2.0
"""What a client may send, said once: the same table checks a body and is its schema.

A kind is a rule for a value: `read` holds a value to it, `schema` says it in JSON Schema
(2020-12, as OpenAPI 3.1 has it). A body is a table of attributes and their kinds. In which
order a parser reads them, and so of two mistakes names which, is the parser's own.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hummingbird.api.schema.text import (
    NAME,
    PLAIN_PATTERN,
    TEXT_MAX,
    boolean,
    invalid,
    password,
    text,
    unjudged,
)
from hummingbird.errors import BadRequest
from hummingbird.printable import OBEYED

Schema = dict[str, Any]

_LINE_END: Final = re.compile(r"[\t\r\n]+")
_FLAG_WORDS: Final = ("true", "yes", "on", "1", "false", "no", "off", "0")


class Kind(Protocol):
    """A rule for a value."""

    def read(self, noun: str, name: str, value: object) -> Any:
        """Return the value, in the form that the rest of us uses.

        :raises BadRequest: it is against the rule.
        """

    @property
    def schema(self) -> Schema:
        """The rule in JSON Schema."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text of one line, or null."""

    maximum: int = TEXT_MAX

    def read(self, noun: str, name: str, value: object) -> str | None:
        return text(noun, name, value, maximum=self.maximum)

    @property
    def schema(self) -> Schema:
        return {
            "type": ["string", "null"],
            "maxLength": self.maximum,
            "pattern": PLAIN_PATTERN,
        }


@dataclass(frozen=True, kw_only=True)
class Lines:
    """A text that is kept as one line, or null."""

    maximum: int

    def read(self, noun: str, name: str, value: object) -> str | None:
        if isinstance(value, str):
            value = _LINE_END.sub(" ", value)
        return text(noun, name, value, maximum=self.maximum)

    @property
    def schema(self) -> Schema:
        return {
            "type": ["string", "null"],
            "maxLength": self.maximum,
            "pattern": rf"^([^{OBEYED}]|[\t\n\r])*$",
        }


class Password:
    """A secret of one line, or null; never shown again, in a refusal neither."""

    schema: Final[Schema] = {
        "type": ["string", "null"],
        "maxLength": TEXT_MAX,
        "pattern": r"^[^\r\n]*$",
        "writeOnly": True,
    }

    def read(self, noun: str, name: str, value: object) -> str | None:
        return password(name, value)


@dataclass(frozen=True)
class Flag:
    """True or false, or a word for it."""

    def read(self, noun: str, name: str, value: object) -> bool:
        return boolean(noun, name, value)

    @property
    def schema(self) -> Schema:
        words = "|".join(_any_case(word) for word in _FLAG_WORDS)
        return {
            "anyOf": [
                {"type": "boolean"},
                {"type": "string", "pattern": f"^({words})$"},
            ]
        }


@dataclass(frozen=True, kw_only=True)
class Number:
    """An integer within bounds."""

    least: int
    most: int
    should: str
    judge: Callable[[int], int] | None = None
    """Holds it to the bounds in the domain's own words."""

    def read(self, noun: str, name: str, value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of number
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(noun, name, value, should=self.should)
        if self.judge is not None:
            return self.judge(value)
        if not self.least <= value <= self.most:
            raise invalid(noun, name, value, should=self.should)
        return value

    @property
    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Words:
    """One of some words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, noun: str, name: str, value: object) -> str:
        if isinstance(value, str) and value in self.words:
            return value
        raise invalid(noun, name, value, should=f"one of {', '.join(self.words)}")

    @property
    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, kw_only=True)
class Matching:
    """A text of a certain form."""

    pattern: re.Pattern[str]
    should: str
    but: re.Pattern[str] | None = None
    """What it must not be, all of it."""

    def read(self, noun: str, name: str, value: object) -> str:
        fits = isinstance(value, str) and self.pattern.fullmatch(value)
        if fits and not (self.but and self.but.fullmatch(str(value))):
            return str(value)
        raise invalid(noun, name, value, should=self.should)

    @property
    def schema(self) -> Schema:
        schema: Schema = {"type": "string", "pattern": _whole(self.pattern)}
        if self.but is not None:
            schema["not"] = {"pattern": _whole(self.but)}
        return schema


NAME_OF_A_RESOURCE: Final = Matching(
    pattern=NAME,
    but=re.compile("[0-9]+"),
    should=(
        "at most 63 lower-case letters, digits, hyphens and periods, and not a number"
    ),
)
"""Fit to name an EMN, a site or a credential and to stand in a path."""


class By:
    """A rule that a function of its own is; `schema` says the same."""

    def __init__(self, read: Callable[[str, object], Any], schema: Schema) -> None:
        """
        :param read: takes the attribute's name and value.
        """
        self._read = read
        self.schema = schema

    def read(self, noun: str, name: str, value: object) -> Any:
        return self._read(name, value)


class Later:
    """A text that the parser has judged in its turn; `schema` says how."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def read(self, noun: str, name: str, value: object) -> str | None:
        return unjudged(noun, name, value)


@dataclass(frozen=True)
class OrNone:
    """A rule, or null or nothing in quotes for none."""

    kind: Kind

    def read(self, noun: str, name: str, value: object) -> Any:
        if value is None or value == "":
            return None
        return self.kind.read(noun, name, value)

    @property
    def schema(self) -> Schema:
        return {"anyOf": [self.kind.schema, {"type": "null"}, {"const": ""}]}


@dataclass(frozen=True)
class OrNull:
    """A rule, or null."""

    kind: Kind

    def read(self, noun: str, name: str, value: object) -> Any:
        return None if value is None else self.kind.read(noun, name, value)

    @property
    def schema(self) -> Schema:
        return {"anyOf": [self.kind.schema, {"type": "null"}]}


class Anything:
    """Any value at all; nobody looks at it."""

    schema: Final[Schema] = {}

    def read(self, noun: str, name: str, value: object) -> Any:
        return value


@dataclass(frozen=True)
class Attribute:
    """One attribute of a body."""

    kind: Kind
    about: str = ""
    must: bool = field(default=False, kw_only=True)
    """Whether it has to be there; its kind refuses null then."""

    @property
    def schema(self) -> Schema:
        schema = self.kind.schema
        return {**schema, "description": self.about} if self.about else schema


class Body:
    """A body that is an object: its attributes, and nothing else."""

    def __init__(
        self,
        noun: str,
        attributes: Mapping[str, Attribute],
        *,
        unknown: str = "Unknown attribute for argument {noun}: {name}",
    ) -> None:
        """
        :param unknown: the sentence about an attribute that there is not.
        """
        self.noun = noun
        self.attributes = attributes
        self._unknown = unknown

    def refuse_unknown(self, body: Iterable[str]) -> None:
        """See that it has no other attributes.

        :raises BadRequest: it has.
        """
        for name in body:
            if name not in self.attributes:
                raise BadRequest(
                    message=self._unknown.format(noun=self.noun, name=name[:80])
                )

    def read(self, body: Mapping[str, Any], name: str, default: object = None) -> Any:
        """Return one attribute; what is not there is as `default`.

        :raises BadRequest: it is against its rule.
        """
        return self.attributes[name].kind.read(self.noun, name, body.get(name, default))

    @property
    def schema(self) -> Schema:
        """The body in JSON Schema."""
        must = [name for name, one in self.attributes.items() if one.must]
        schema: Schema = {
            "type": "object",
            "properties": {name: one.schema for name, one in self.attributes.items()},
            "additionalProperties": False,
        }
        return {**schema, "required": must} if must else schema


def _any_case(word: str) -> str:
    return "".join(
        f"[{one.lower()}{one.upper()}]" if one.isalpha() else one for one in word
    )


def _whole(pattern: re.Pattern[str]) -> str:
    return f"^(?:{pattern.pattern})$"
