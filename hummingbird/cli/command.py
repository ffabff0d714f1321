# SPDX-License-Identifier: Apache-2.0
"""What every command has: examples in its help, the client, and rows out of objects.

A command's docstring is its description.  The columns are the API's own names, so that
what a person sees in a table is what a program finds in the JSON.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from cliff.command import Command
from cliff.lister import Lister
from cliff.show import ShowOne

from hummingbird.cli.terminal import for_a_shell, name_for_a_shell
from hummingbird.printable import printable

if TYPE_CHECKING:
    from hummingbird.cli.app import HummingbirdApp
    from hummingbird.cli.client import Client
    from hummingbird.cli.terminal import Terminal

FOR_PEOPLE: Final = ("table", "value")
"""Formats whose cells are plain words."""
_LOSSLESS: Final = ("json", "yaml")
"""Formats with escapes of their own for what a terminal would obey."""
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
        out = cast("Terminal", app.stdout)
        return follow(runs, new_client=app.new_client, out=out)


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
        self.put(printable(line))

    def put(self, text: str) -> None:
        """Print a document, with its own line ends, at once."""
        self.app.stdout.write(text + "\n")
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
        formatter = parsed_args.formatter
        rows = [
            tuple(_cell(item.get(name), formatter) for name in self.columns)
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
        formatter = parsed_args.formatter
        if formatter in FOR_PEOPLE:
            item = {
                name: value
                for name, value in item.items()
                if value not in (None, "", {}, []) and not _is_link(value)
            }
        names = [_cell(name, formatter) for name in item]
        if formatter == "shell":
            names = [name_for_a_shell(name) for name in names]
        return names, [_cell(value, formatter) for value in item.values()]


def add_if_match(parser: argparse.ArgumentParser) -> None:
    """Add the option of commands that change something."""
    parser.add_argument(
        "--if-match",
        metavar="ETAG",
        help="only if it is still what was shown with this etag; else nothing is done",
    )


class Lines(list[str]):
    """Texts that a cell shows one under the other."""


def _cell(value: Any, formatter: str) -> Any:
    """Return what a format is given of a value. Only JSON and YAML show all that a text
    may hold."""
    if formatter in _LOSSLESS:
        return value
    if formatter in FOR_PEOPLE:
        return readable(value)
    if isinstance(value, Mapping | list):
        # As Python writes it, which it writes without what is not printable.
        value = str(value)
    if not isinstance(value, str):
        return value
    value = printable(value)
    return for_a_shell(value) if formatter == "shell" else value


def readable(value: Any) -> Any:
    """Return what a cell of a table shows of a value.

    Nested ones become plain words; times lose their fractions, and say Z for UTC; what a
    terminal would obey is shown by its number.
    """
    if value is None:
        return ""
    if isinstance(value, str) and (time := _TIME.fullmatch(value)):
        return f"{time[1]} {time[2]}Z"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return ", ".join(
            f"{readable(name)} {readable(part)}" for name, part in value.items()
        )
    if isinstance(value, list):
        nested = isinstance(value, Lines) or any(
            isinstance(part, Mapping | list) for part in value
        )
        apart = "\n" if nested else ", "
        return apart.join(str(readable(part)) for part in value)
    return value


def _is_link(value: Any) -> bool:
    """Whether a value is one of the lists of {href, rel} that the API sprinkles."""
    return isinstance(value, list) and all(
        isinstance(part, Mapping) and "href" in part for part in value
    )
