# SPDX-License-Identifier: Apache-2.0
"""Finds the server and the token, so that nobody has to say either on one machine.

Looked for in this order, the URL and the token each on its own: the command line; the
variables HUMMINGBIRD_URL and HUMMINGBIRD_TOKEN; StarlingX's SYSTEM_URL and
OS_AUTH_TOKEN; `client.json` in a state directory, which `hummingbird up` writes there;
the token file and the standard port of such a directory.  A token is never taken from
the command line, where every user of the machine could read it; only its file is.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hummingbird.cli.failure import Failure

DEFAULT_URL = "http://127.0.0.1:6385"
"""Where `hummingbird up` listens unless told otherwise; 6385 is sysinv's port."""


@dataclass(frozen=True)
class Endpoint:
    """Where the server is and what opens it.  `token_from` says where that was found."""

    url: str
    token: str = field(repr=False)
    token_from: str


def state_directories(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders in which a server of this machine may have left its token."""
    if "HUMMINGBIRD_STATE" in environ:
        yield Path(environ["HUMMINGBIRD_STATE"])
        return
    yield Path("/var/lib/hummingbird")
    yield Path(environ.get("HOME", "~")).expanduser() / ".local/state/hummingbird"


def find(
    *, url: str | None, token_file: Path | None, environ: Mapping[str, str]
) -> Endpoint:
    """Return the server to talk to.

    :raises Failure: no token can be found or read.
    """
    left = _left_by_a_server(environ)
    found_url = (
        url
        or environ.get("HUMMINGBIRD_URL")
        or environ.get("SYSTEM_URL")
        or left.get("url")
        or DEFAULT_URL
    )
    if token_file is not None:
        token, token_from = _read(token_file), str(token_file)
    elif "HUMMINGBIRD_TOKEN" in environ:
        token, token_from = environ["HUMMINGBIRD_TOKEN"], "HUMMINGBIRD_TOKEN"
    elif "OS_AUTH_TOKEN" in environ:
        token, token_from = environ["OS_AUTH_TOKEN"], "OS_AUTH_TOKEN"
    elif "token_file" in left:
        token, token_from = _read(Path(left["token_file"])), left["token_file"]
    else:
        looked = " or ".join(str(path) for path in state_directories(environ))
        raise Failure(
            f"No server has left its token in {looked}. Is it running? Start it:"
            " hummingbird up. If it is elsewhere, set HUMMINGBIRD_URL and"
            " HUMMINGBIRD_TOKEN, or name the file: --token-file FILE"
        )
    return Endpoint(url=_root(found_url), token=token.strip(), token_from=token_from)


def _left_by_a_server(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `url` and `token_file` as the first state directory that has any says."""
    for folder in state_directories(environ):
        record = folder / "client.json"
        token = folder / "token"
        if _is_there(record):
            try:
                left = json.loads(_read(record))
            except ValueError as error:
                raise Failure(f"{record} can't be understood: {error}") from error
            return {str(key): str(value) for key, value in left.items() if value}
        if _is_there(token):
            return {"token_file": str(token)}
    return {}


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
