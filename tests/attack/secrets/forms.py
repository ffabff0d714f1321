# SPDX-License-Identifier: Apache-2.0
"""Finds a secret in bytes, as it is and in the forms that programs write it in."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_LEAST = 8
"""Characters without which a form is found by chance."""

_PRIVATE_KEY = b"PRIVATE KEY-----"


def forms(secret: bytes) -> frozenset[bytes]:
    """Return what is looked for: as it is, in hexadecimal, in base64 wherever it stands in
    what is encoded, quoted for JSON, a URL, Python and a shell."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        # but for its ends, which are mixed with what stands beside it
        coded = base64.b64encode(b"\0" * shift + secret)[4:-4]
        found |= {coded, coded.replace(b"+", b"-").replace(b"/", b"_")}
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        pass
    else:
        told = (json.dumps(text)[1:-1], quote(text, safe=""), quote_plus(text))
        found |= {each.encode() for each in told}
        found |= {repr(text)[1:-1].encode(), shlex.quote(text).encode()}
    return frozenset(each for each in found if len(each) >= _LEAST)


class Sought:
    """The secrets of a deployment, and where they are found."""

    def __init__(self) -> None:
        self._forms: dict[str, frozenset[bytes]] = {}

    @property
    def names(self) -> frozenset[str]:
        """The names of all that is sought."""
        return frozenset(self._forms)

    def add(self, name: str, secret: str | bytes) -> None:
        """Look for a secret; of one of several lines, for each long one."""
        data = secret.encode() if isinstance(secret, str) else secret
        lines = [data]
        if data.startswith(b"-----BEGIN"):
            lines = [
                line
                for line in data.splitlines()
                if len(line) > 40 and b" " not in line
            ]
        made = frozenset(form for line in lines for form in forms(line))
        self._forms[name] = self._forms.get(name, frozenset()) | made

    def found_in(self, data: bytes) -> Iterator[str]:
        """Yield the names of the secrets that `data` has, and of a private key that is
        none of them."""
        names = [
            name
            for name, each in list(self._forms.items())
            if any(form in data for form in each)
        ]
        yield from names
        if not any("key" in name for name in names) and has_private_key(data):
            yield "a private key"


def has_private_key(data: bytes) -> bool:
    """Say whether there is a private key (PEM) in `data`, as it is or in base64."""
    if re.search(
        rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[\\nr\s]+[A-Za-z0-9+/]{20}", data
    ):
        return True
    return any(
        base64.b64encode(b"\0" * shift + _PRIVATE_KEY)[4:-4] in data
        for shift in range(3)
    )
