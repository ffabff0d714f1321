# SPDX-License-Identifier: Apache-2.0
"""Who asked for which change, from where, and what came of it.

What was asked is kept as it was sent, but for secrets: whatever stands under a name that
speaks of one, and private keys wherever they stand. Of what was refused, only what stands
under a name that means something.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hummingbird.wire import json_text

ASKED_MAX_CHARACTERS: Final = 4096
PATH_MAX_CHARACTERS: Final = 512
HIDDEN: Final = "***"

_SECRET: Final = re.compile(
    r"pass(word|wd|phrase)|secret|private|preshared|token|api_?key", re.IGNORECASE
)
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One request that would change something, and its outcome."""

    at: datetime
    request_id: str
    user: str
    user_id: str | None
    project: str | None
    roles: tuple[str, ...]
    source: str
    """Address of the client."""
    method: str
    path: str
    """With the query."""
    asked: str | None
    """JSON text of the body, without secrets; None where there was none."""
    status: int
    """HTTP status of the answer."""


@dataclass(frozen=True)
class StoredEntry:
    """An entry as it is in the log; the later one has the higher id."""

    id: int
    entry: AuditEntry


def without_secrets(
    content: Any, *, known: Collection[str] | None = None, is_named: bool = False
) -> Any:
    """Return JSON content with each secret hidden.

    Of a JSON patch, the value of an operation whose path ends in a secret's name.

    :param known: the names that mean something. What stands under others, or under none, is
        hidden: somebody may have misspelt the name of a secret, or put it where it does not
        belong. None: all names mean something, since what was asked was carried out.
    :param is_named: whether a name that means something stands over `content`.
    """
    if isinstance(content, dict):
        return _object_without(content, known=known)
    if isinstance(content, list):
        return [
            without_secrets(item, known=known, is_named=is_named) for item in content
        ]
    if known is not None and not is_named:
        return HIDDEN
    if isinstance(content, str) and _PRIVATE_KEY.search(content):
        return HIDDEN
    return content


def _object_without(
    content: dict[str, Any], *, known: Collection[str] | None
) -> dict[str, Any]:
    path = content.get("path")
    words = path.split("/") if isinstance(path, str) else []
    target = next((word for word in reversed(words) if word), "")
    is_for_secret = _is_secret(target)
    is_for_nothing = bool(words) and known is not None and target not in known
    found = {}
    for name, value in content.items():
        shown = name if known is None or name in known else HIDDEN
        if (
            shown == HIDDEN
            or _is_secret(name)
            or (is_for_secret and name == "value")
            or (is_for_nothing and name in ("path", "value"))
        ):
            found[shown] = HIDDEN
        else:
            found[shown] = without_secrets(value, known=known, is_named=True)
    return found


def asked(body: bytes, *, known: Collection[str] | None = None) -> str | None:
    """Return what a request's body asks for, as `AuditEntry.asked` has it.

    What is not JSON, or too long to keep, is described by its length.

    :param known: see `without_secrets`.
    """
    if not body:
        return None
    try:
        text = json.dumps(without_secrets(json_text.read(body), known=known))
    except ValueError:
        return size(len(body))
    return text if len(text) <= ASKED_MAX_CHARACTERS else size(len(body))


def size(length: int) -> str:
    """Return what stands for a body that is not kept."""
    return json.dumps({"bytes": length})


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name))
