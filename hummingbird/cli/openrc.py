# SPDX-License-Identifier: Apache-2.0
"""`hummingbird openrc`: the environment of StarlingX's own clients.

No secret is printed: the token's file, or the variable that has it, is named, and the
shell that evaluates the lines reads it. `system` takes its authority from OS_CACERT.
`fm` knows none of its own; it is written with `requests`, which takes REQUESTS_CA_BUNDLE
in place of the public authorities, for every program of that shell. So that variable gets
a file with both, in the user's cache.
"""

import argparse
import hashlib
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from hummingbird.cli.command import Act
from hummingbird.cli.endpoint import KEYSTONE, Endpoint
from hummingbird.cli.failure import Failure


class Openrc(Act):
    """Print what a shell must know, so that `system` and `fm` work against this server.

    Type: eval "$(hummingbird openrc)"; system host-list.  The lines are for a POSIX shell
    and hold no secret: they name the file that has the token.
    """

    examples = ("hummingbird openrc",)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Print the lines."""
        for line in lines(self.client.endpoint, os.environ):
            self.put(line)


def lines(endpoint: Endpoint, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines for a shell.

    :raises Failure: the authority's certificate can't be read.
    """
    yield f"export SYSTEM_URL={shlex.quote(endpoint.url)}"
    yield f"export FM_URL={shlex.quote(endpoint.fm_url)}"
    if endpoint.token_from != KEYSTONE:
        # Who has Keystone's variables set has all that the clients want of him.
        yield f"export OS_AUTH_TOKEN={_token(endpoint)}"
    # Without these both want keyctl(1) where they ask Keystone, and say nothing at all
    # where that is missing.
    yield "export CGTSCLIENT_NO_CACHE=1"
    yield "export FMCLIENT_NO_CACHE=1"
    if endpoint.ca_file is not None:
        bundle = both_authorities(endpoint.ca_file, environ)
        yield f"export OS_CACERT={shlex.quote(str(endpoint.ca_file.absolute()))}"
        yield f"export REQUESTS_CA_BUNDLE={shlex.quote(str(bundle))}"


def _token(endpoint: Endpoint) -> str:
    if endpoint.token_from.isidentifier():
        return f'"${endpoint.token_from}"'
    return f'"$(cat {shlex.quote(str(Path(endpoint.token_from).absolute()))})"'


def both_authorities(ca_file: Path, environ: Mapping[str, str]) -> Path:
    """Return a file with `ca_file` and what `requests` would trust otherwise.

    :raises Failure: one can't be read, or none written.
    """
    import certifi

    before = Path(environ.get("REQUESTS_CA_BUNDLE") or certifi.where())
    try:
        ours, others = ca_file.read_text(), before.read_text()
        if ours in others:
            return before
        text = f"{others.rstrip()}\n{ours}"
        cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = cache / "hummingbird" / "authorities"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.crt"
        if not path.exists():
            draft = folder / f".{path.name}.{os.getpid()}"
            draft.write_text(text)
            draft.replace(path)
    except OSError as error:
        raise Failure(f"The authorities can't be put together: {error}") from error
    return path
