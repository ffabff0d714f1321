# SPDX-License-Identifier: Apache-2.0
"""What every command has: examples in its help, the client, and rows out of objects.

A command's docstring is its description.  The columns are the API's own names, so that
what a person sees in a table is what a program finds in the JSON.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from cliff.command import Command
from cliff.lister import Lister
from cliff.show import ShowOne

if TYPE_CHECKING:
    from hummingbird.cli.app import HummingbirdApp
    from hummingbird.cli.client import Client

_FOR_PEOPLE = ("table", "value")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?\+00:00")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples' lines as they are written."""


class Described(Command):
    """A command with examples at the end of its help."""

    examples: ClassVar[tuple[str, ...]] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser, with what all commands share."""
        parser = super().get_parser(prog_name)
        parser.formatter_class = _HelpFormatter
        if self.examples:
            lines = "\n".join(f"  {line}" for line in self.examples)
            parser.epilog = f"examples:\n{lines}"
        return parser

    @property
    def client(self) -> "Client":
        """The server, looked for when a command first needs it."""
        return cast("HummingbirdApp", self.app).client

    def follow(self, runs: Sequence[Mapping[str, Any]]) -> int:
        """Watch runs until they have ended; return the command's exit status."""
        from hummingbird.cli.follow import follow

        app = cast("HummingbirdApp", self.app)
        return follow(runs, new_client=app.new_client, out=app.stdout)


class OfHost(Described):
    """A command about one host, its first word; stands before List, Show or Act."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser, with HOST."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        return parser


class Act(Described):
    """A command that does something and says so in a line."""

    def say(self, line: str) -> None:
        """Print a line at once, also into a pipe."""
        self.app.stdout.write(line + "\n")
        self.app.stdout.flush()


class List(Described, Lister):
    """A command that prints a row for each item that `find` returns."""

    columns: ClassVar[tuple[str, ...]]
    """The keys of an item that are shown, in order."""

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the items."""
        raise NotImplementedError

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        """Return the columns and the rows."""
        plain = parsed_args.formatter in _FOR_PEOPLE
        rows = [
            tuple(
                readable(item.get(name)) if plain else item.get(name)
                for name in self.columns
            )
            for item in self.find(parsed_args)
        ]
        return self.columns, rows


class Show(Described, ShowOne):
    """A command that prints the object that `find` returns, a line for each field.

    A table leaves out what is not filled in; the other formats have everything.
    """

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the object."""
        raise NotImplementedError

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        """Return the names and the values."""
        item = self.find(parsed_args)
        if self.client.tag is not None:
            item = {**item, "etag": self.client.tag}
        if parsed_args.formatter in _FOR_PEOPLE:
            item = {
                name: readable(value)
                for name, value in item.items()
                if value not in (None, "", {}, []) and not _is_link(value)
            }
        return list(item), list(item.values())


def add_if_match(parser: argparse.ArgumentParser) -> None:
    """Add the option of commands that change something."""
    parser.add_argument(
        "--if-match",
        metavar="ETAG",
        help="only if it is still what was shown with this etag; else nothing is done",
    )


def readable(value: Any) -> Any:
    """Return what a cell of a table shows of a value.

    Nested ones become plain words; times lose their fractions, and say Z for UTC.
    """
    if value is None:
        return ""
    if isinstance(value, str) and (time := _TIME.fullmatch(value)):
        return f"{time[1]} {time[2]}Z"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {readable(part)}" for name, part in value.items())
    if isinstance(value, list):
        nested = any(isinstance(part, Mapping | list) for part in value)
        apart = "\n" if nested else ", "
        return apart.join(str(readable(part)) for part in value)
    return value


def _is_link(value: Any) -> bool:
    """Whether a value is one of the lists of {href, rel} that the API sprinkles."""
    return isinstance(value, list) and all(
        isinstance(part, Mapping) and "href" in part for part in value
    )
