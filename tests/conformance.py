# SPDX-License-Identifier: Apache-2.0
"""Holds answers of the API to its OpenAPI document: the status, the kind, the shape."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema_rs
from webob.exc import HTTPException

from hummingbird.api.contract.openapi import document
from hummingbird.api.contract.operation_table import OPERATIONS
from hummingbird.api.http.router import Router
from hummingbird.api.routes import ROUTES

DOCUMENT = document(OPERATIONS, ROUTES)
_UNFORESEEN = 500
"""What no document foresees; tests that provoke it look at it themselves."""


def _handler(method: str, path: str) -> Callable[..., Any]:
    return lambda _call: (method, path)


_ROUTER = Router(
    (method, path, _handler(method, path))
    for method, path, _ in ROUTES
    if (method, path) in OPERATIONS
)


def check(
    method: str, path: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    """See that an answer is one that the document foresees; paths of no operation are
    passed over.

    :raises AssertionError: it is not.
    """
    try:
        handler, _ = _ROUTER.find(method, path)
    except HTTPException:
        return
    if status == _UNFORESEEN:
        return
    route: str = handler(None)[1]  # type: ignore[arg-type]
    answers = DOCUMENT["paths"][route][method.lower()]["responses"]
    what = f"{method} {route} was answered with {status}"
    assert str(status) in answers, f"{what}, which doc/openapi.json does not foresee"
    content = answers[str(status)].get("content")
    if content is None:
        assert body == b"", f"{what} and a body"
        return
    kind = headers.get("Content-Type", "").partition(";")[0]
    assert kind in content, f"{what} and the type {kind!r}"
    errors = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        for error in _validator(route, method.lower(), str(status)).iter_errors(
            json.loads(body)
        )
    ]
    assert not errors, f"{what} in another shape than the document's: {errors[:3]}"


@cache
def _validator(route: str, method: str, status: str) -> Any:
    answer = DOCUMENT["paths"][route][method]["responses"][status]
    ((_, content),) = answer["content"].items()
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
