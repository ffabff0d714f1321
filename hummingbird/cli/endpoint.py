# SPDX-License-Identifier: Apache-2.0
"""Finds the server and the token, so that nobody has to say either on one machine.

Looked for in this order, the URL and the token each on its own: the command line; the
variables HUMMINGBIRD_URL and HUMMINGBIRD_TOKEN; StarlingX's SYSTEM_URL and
OS_AUTH_TOKEN; `client.json` in a state directory, which `hummingbird up` writes there
(--state-directory, HUMMINGBIRD_STATE_DIRECTORY, else the usual ones);
the token file and the standard port of such a directory.  A token is never taken from
the command line, where every user of the machine could read it; only its file is.

With OS_AUTH_URL and without a token Keystone is asked for one, and its catalogue for the
URL that nobody said (cli/keystone.py).

The authority that the server's certificate is checked with: the command line,
HUMMINGBIRD_CA_FILE, OS_CACERT, and for a server of this machine what it left there.
"""

import ipaddress
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from hummingbird.cli import keystone
from hummingbird.cli.failure import Failure

DEFAULT_URL = "https://127.0.0.1:6385"
SYSTEM_STATE: Final = Path("/var/lib/hummingbird")
"""The state directory of processes that run as root."""
"""Where `hummingbird up` listens unless told otherwise; 6385 is sysinv's port."""

STATE_VARIABLE: Final = "HUMMINGBIRD_STATE_DIRECTORY"

KEYSTONE = "Keystone"
"""Where a token is from that nobody can read anywhere."""


@dataclass(frozen=True)
class Endpoint:
    """Where the server is and what opens it.  `token_from` says where that was found."""

    url: str
    token: str = field(repr=False)
    token_from: str
    """The file, or the name of the variable, that has it."""
    fm_url: str = ""
    """Where fault management is served: a port of its own where that is known."""
    ca_file: Path | None = None
    """The authority of its certificate; None means the public ones."""


def state_directories(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders in which a server of this machine may have left its token."""
    for name in (STATE_VARIABLE, "HUMMINGBIRD_STATE"):
        if environ.get(name):
            yield Path(environ[name])
            return
    yield SYSTEM_STATE
    yield Path(environ.get("HOME", "~")).expanduser() / ".local/state/hummingbird"


@dataclass(frozen=True)
class Left:
    """What a server of this machine has left in its state directory."""

    url: str | None = None
    fm_url: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    auth_strategy: str | None = None


def find(
    *,
    url: str | None,
    token_file: Path | None,
    environ: Mapping[str, str],
    ca_file: Path | None = None,
    state_directory: Path | None = None,
) -> Endpoint:
    """Return the server to talk to.

    :param state_directory: of a server on this machine; in the place of the usual ones.
    :raises Failure: no token can be found or read.
    """
    if state_directory is not None:
        environ = {**environ, STATE_VARIABLE: str(state_directory)}
    left = left_by_a_server(environ)
    named = url or environ.get("HUMMINGBIRD_URL") or environ.get("SYSTEM_URL")
    shown = _token(token_file, environ, left, is_named=named is not None)
    found_url = _root(named or shown.url or left.url or DEFAULT_URL)
    fm_url = environ.get("FM_URL") or shown.fm_url
    if not fm_url and left.url is not None and found_url == _root(left.url):
        fm_url = left.fm_url
    given = environ.get("HUMMINGBIRD_CA_FILE") or environ.get("OS_CACERT")
    if ca_file is None and given:
        ca_file = Path(given)
    elif ca_file is None and (is_loopback(found_url) or found_url == left.url):
        ca_file = left.ca_file
    return Endpoint(
        url=found_url,
        token=shown.token.strip(),
        token_from=shown.token_from,
        fm_url=_root(fm_url or found_url),
        ca_file=ca_file,
    )


@dataclass(frozen=True)
class _Shown:
    """A token, where it is from, and where whoever gave it says that the services are."""

    token: str = field(repr=False)
    token_from: str
    url: str | None = None
    fm_url: str | None = None


def _token(
    token_file: Path | None, environ: Mapping[str, str], left: Left, *, is_named: bool
) -> _Shown:
    if token_file is not None:
        return _Shown(_read(token_file), str(token_file))
    for name in ("HUMMINGBIRD_TOKEN", "OS_AUTH_TOKEN"):
        if name in environ:
            return _Shown(environ[name], name)
    # The server of this machine that has its own token is not Keystone's, whatever other
    # clients of this shell talk to.
    if keystone.is_wanted(environ) and (is_named or left.auth_strategy != "token"):
        given = keystone.admit(environ)
        return _Shown(given.token, KEYSTONE, given.url, given.fm_url)
    if left.auth_strategy == "keystone":
        raise Failure(
            "This server asks Keystone who you are: set OS_AUTH_URL, OS_USERNAME,"
            " OS_PASSWORD and OS_PROJECT_NAME (StarlingX: . /etc/platform/openrc)"
        )
    if left.token_file is not None:
        return _Shown(_read(left.token_file), str(left.token_file))
    looked = " or ".join(str(path) for path in state_directories(environ))
    raise Failure(
        f"No server has left its token in {looked}. Is it running? Start it:"
        " hummingbird up. If it keeps its state in another directory, name that:"
        f" --state-directory DIR or {STATE_VARIABLE}. If it is elsewhere, set"
        " HUMMINGBIRD_URL and HUMMINGBIRD_TOKEN, or name the file: --token-file FILE"
    )


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine and nowhere else."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def left_by_a_server(environ: Mapping[str, str]) -> Left:
    """Return what the first state directory that has anything says.

    :raises Failure: it can't be understood.
    """
    for folder in state_directories(environ):
        record = folder / "client.json"
        token = folder / "token"
        if _is_there(record):
            try:
                left = json.loads(_read(record))
            except ValueError as error:
                raise Failure(f"{record} can't be understood: {error}") from error
            return Left(
                url=left.get("url"),
                fm_url=left.get("fm_url"),
                auth_strategy=left.get("auth_strategy"),
                **{
                    name: Path(left[name]) if left.get(name) else None
                    for name in ("token_file", "ca_file")
                },
            )
        if _is_there(token):
            authority = folder / "pki" / "ca.crt"
            return Left(
                token_file=token,
                ca_file=authority if _is_there(authority) else None,
            )
    return Left()


def _is_there(path: Path) -> bool:
    """Whether a file exists; True too where a folder that may not be entered hides it
    from us but not from its owner."""
    if not os.access(path.parent, os.X_OK):
        return False
    return path.exists()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise Failure(
            f"{path} can't be read ({error.strerror}). Run this as the user who started"
            " the server, or set HUMMINGBIRD_TOKEN."
        ) from error


def _root(url: str) -> str:
    """Return the URL without a trailing /v1, which StarlingX's variable may have."""
    return url.rstrip("/").removesuffix("/v1").rstrip("/")
