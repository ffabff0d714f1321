# SPDX-License-Identifier: Apache-2.0
"""Writes doc/openapi.json from the rows of hummingbird/api/contract/operation_table.py:
`python tools/write_openapi.py`.

tests/contract/test_openapi.py compares the file with what this would write.
"""

import json
from pathlib import Path

from hummingbird.api.contract.openapi import document
from hummingbird.api.contract.operation_table import OPERATIONS
from hummingbird.api.routes import ROUTES

TARGET = Path(__file__).resolve().parent.parent / "doc" / "openapi.json"


def text() -> str:
    """Return what the file should be."""
    return json.dumps(document(OPERATIONS, ROUTES), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
