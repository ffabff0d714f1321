# SPDX-License-Identifier: Apache-2.0
"""/v1/openapi.json: what this API is, for programs."""

from functools import cache
from typing import Any

from hummingbird.api.call import Call


def get(call: Call) -> Any:
    """GET /v1/openapi.json"""
    return _document()


@cache
def _document() -> Any:
    # Not at the top: the rows stand above the controllers, which they import nothing of,
    # and nobody needs them for the first answer.
    from hummingbird.api.openapi import document
    from hummingbird.api.operations import OPERATIONS
    from hummingbird.api.routes import ROUTES

    return document(OPERATIONS, ROUTES)
