# SPDX-License-Identifier: Apache-2.0
"""`hummingbird credential-*`: how the server gets into hosts.

A secret goes in from a file or from stdin, never from the command line, and never comes
out again: the server keeps it sealed and shows only that it has one.
"""

import argparse
import getpass
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, Show
from hummingbird.cli.failure import Failure

_CREDENTIALS = path("credentials")


def read_secret(prompt: str) -> str:
    """Return one line from stdin; on a terminal ask for it, without an echo.

    :raises Failure: there is none.
    """
    if sys.stdin.isatty():
        secret = getpass.getpass(f"{prompt}: ")
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise Failure(f"No {prompt.lower()} came on stdin.")
    return secret


class CredentialAdd(Show):
    """Store a way into hosts: a user, and a key or a password.

    The one named default is used where neither the host nor its network names another.
    Two secrets on stdin: a line each, the password first.
    """

    examples = (
        "hummingbird credential-add default --user edge --private-key ~/.ssh/id_ed25519",
        "hummingbird credential-add shop --user admin --password-stdin < secret",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--user", required=True, help="user name on the hosts")
        parser.add_argument(
            "--port", type=int, default=22, help="SSH port (default: 22)"
        )
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument(
            "--private-key",
            type=Path,
            metavar="FILE",
            help="file with an SSH private key that has no passphrase",
        )
        way.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the user's password from stdin",
        )
        parser.add_argument(
            "--become-password-stdin",
            action="store_true",
            help="read the password for sudo from stdin",
        )
        parser.add_argument(
            "--no-become",
            dest="become",
            action="store_false",
            help="the user is root: no sudo",
        )
        parser.add_argument(
            "--password-on-first-contact",
            action="store_true",
            help="let its passwords go to hosts whose SSH key is not known yet; whoever"
            " answers at their address learns them. Better: host-add --host-key",
        )
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Store the credential and return what may be seen of it."""
        body: dict[str, Any] = {
            "name": given.name,
            "user": given.user,
            "port": given.port,
            "become": given.become,
        }
        if given.password_on_first_contact:
            body["password_on_first_contact"] = True
        if given.private_key is not None:
            try:
                body["private_key"] = given.private_key.expanduser().read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise Failure(f"{given.private_key} can't be read: {error}") from error
        if given.password_stdin:
            body["password"] = read_secret("Password")
        if given.become_password_stdin:
            body["become_password"] = read_secret("Password for sudo")
        added: Mapping[str, Any] = self.client.post(_CREDENTIALS, body)
        return added


class CredentialList(List):
    """List the ways into hosts, without their secrets."""

    examples = ("hummingbird credential-list",)
    columns = ("id", "name", "user", "port", "become", "created_at")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the credentials."""
        found: list[Mapping[str, Any]] = self.client.get(_CREDENTIALS)["credentials"]
        return found


class CredentialShow(Show):
    """Show one way into hosts, without its secrets."""

    examples = ("hummingbird credential-show default",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("credential", metavar="CREDENTIAL")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the credential."""
        found: Mapping[str, Any] = self.client.get(
            path("credentials", given.credential)
        )
        return found


class CredentialDelete(Act):
    """Forget ways into hosts that no host and no network uses."""

    examples = ("hummingbird credential-delete shop",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("credentials", metavar="CREDENTIAL", nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete them one by one."""
        for name in parsed_args.credentials:
            self.client.delete(path("credentials", name))
            self.say(f"{name}: deleted")
