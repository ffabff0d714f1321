# SPDX-License-Identifier: Apache-2.0
"""Writes doc/errors.md from the classes of hummingbird.errors: `python tools/list_errors.py`.

tests/contract/test_errors.py compares the file with what this would write.
"""

import inspect
import re
from pathlib import Path

from hummingbird import errors

TARGET = Path(__file__).resolve().parent.parent / "doc" / "errors.md"

_HEAD = """\
<!-- Made from hummingbird/errors by tools/list_errors.py; do not edit. -->
# Errors

Every refusal and failure has a code. A code is never reused for something else, so a
program may branch on it; the sentence is for people and may get better words. In the
API's body the code is the key `code` beside `faultstring`; a failed run has it as
`error_code`. "Retry" says whether the same call may go through later.

| code | status | retry | sentence |
|---|---|---|---|
"""


def classes() -> list[type[errors.HummingbirdError]]:
    """Return every class of errors, by code."""
    found = [
        item
        for _, item in inspect.getmembers(errors, inspect.isclass)
        if issubclass(item, errors.HummingbirdError)
    ]
    return sorted(found, key=lambda item: item.code)


def text() -> str:
    """Return what the file should be."""
    rows = [
        f"| `{item.code}` | {item.status} | {'yes' if item.worth_a_retry else 'no'}"
        f" | {_plain(item.sentence)} |\n"
        for item in classes()
    ]
    return _HEAD + "".join(rows)


def _plain(sentence: str) -> str:
    """Return a sentence with its facts as a reader sees them: {hostname!r} as ‹hostname›."""
    named = re.sub(r"\{(\w+)(?:![rs])?\}", r"‹\1›", sentence)
    return named.strip().replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(text())
