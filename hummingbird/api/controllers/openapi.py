# SPDX-License-Identifier: Apache-2.0
"""/v1/openapi.json: what this API is, for programs."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from hummingbird.api.contract.openapi import Document, document
from hummingbird.api.contract.operation_table import OPERATIONS
from hummingbird.api.http.call import Call
from hummingbird.api.http.router import Handler, Route


def describing(routes: Iterable[Route]) -> Handler:
    """Return what answers GET /v1/openapi.json: the document of `routes`."""

    @cache
    def made() -> Document:
        return document(OPERATIONS, routes)

    def get(_call: Call) -> Any:
        return made()

    return get
