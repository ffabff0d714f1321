# SPDX-License-Identifier: Apache-2.0
"""Who asked for which change, from where, and what came of it.

What was asked is kept as it was sent, but for secrets: whatever stands under a name that
speaks of one, and private keys wherever they stand.
"""

import json
import re
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


def without_secrets(content: Any) -> Any:
    """Return JSON content with each secret hidden.

    Of a JSON patch, the value of an operation whose path ends in a secret's name.
    """
    if isinstance(content, dict):
        path = content.get("path")
        is_secret = isinstance(path, str) and _is_secret(path.rpartition("/")[2])
        return {
            name: HIDDEN
            if _is_secret(str(name)) or (is_secret and name == "value")
            else without_secrets(value)
            for name, value in content.items()
        }
    if isinstance(content, list):
        return [without_secrets(item) for item in content]
    if isinstance(content, str) and _PRIVATE_KEY.search(content):
        return HIDDEN
    return content


def asked(body: bytes) -> str | None:
    """Return what a request's body asks for, as `AuditEntry.asked` has it.

    What is not JSON, or too long to keep, is described by its length.
    """
    if not body:
        return None
    try:
        text = json.dumps(without_secrets(json_text.read(body)))
    except ValueError:
        return size(len(body))
    return text if len(text) <= ASKED_MAX_CHARACTERS else size(len(body))


def size(length: int) -> str:
    """Return what stands for a body that is not kept."""
    return json.dumps({"bytes": length})


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name))
