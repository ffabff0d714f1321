# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document (3.1.0), made from the rows of api/operations.py."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hummingbird import __version__
from hummingbird.api.contract.operation import Argument, Operation
from hummingbird.api.contract.shape import TEXT, Shape, Thing
from hummingbird.api.http.call import MAX_BODY_BYTES
from hummingbird.api.http.error_body import FAULT_PATHS
from hummingbird.api.http.idempotency import KEY_MAX, is_once
from hummingbird.api.http.router import Route

Document = dict[str, Any]

NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "host": ("Its integer id, uuid or hostname.", "edge-0"),
    "system": ("Its uuid, name or id.", "hummingbird"),
    "run": ("Its id, its uuid, or a hostname: that host's latest.", "edge-0"),
    "emn": ("Its id, uuid or name.", "mn"),
    "credential": ("Its id, uuid or name.", "default"),
    "network": ("Its id, uuid or name.", "mn"),
    "pool": ("Its id, uuid or name.", "management"),
    "address": ("Its id or uuid.", "1"),
    "collection": ("What of the host, as icpus, imemorys, idisks, ports.", "icpus"),
    "app": ("Its name.", "hummingbird-agents"),
    "process": ("Its name.", "controller-0.conductor"),
    "version": ("As the kubelet says it.", "v1.36.3"),
    "label": ("Its uuid.", "2a9f0c5e-54a1-4a7f-9a5e-7c3c0f6b2d11"),
    "uuid": ("Its uuid.", "2a9f0c5e-54a1-4a7f-9a5e-7c3c0f6b2d11"),
}
"""What may stand in a path's {…}, and an example of it."""

_FAULT: Final = Thing(
    "Fault",
    {
        "error_message": {
            **TEXT,
            "description": (
                "JSON in a text, as sysinv's clients want it: an object of faultcode "
                "(Client or Server), faultstring (the sentence), debuginfo, code (which "
                "is stable: branch on it) and worth_a_retry; where no route takes the "
                "path, of code, title, description and faultstring."
            ),
        }
    },
)
_FAULT_OF_FM: Final = Thing(
    "FaultManagementFault",
    {
        "error": Thing("FaultManagementError", {"message": TEXT, "code": TEXT}),
        "error_message": {**TEXT, "description": "The sentence."},
    },
    optional=frozenset({"error"}),
)
_ERRORS: Final = {
    400: "The words are wrong, or it is refused for a reason that the sentence says.",
    401: "There is no token, or a wrong one.",
    403: "The token's roles do not allow it.",
    404: "There is no such thing.",
    409: "It is worked on, or was changed or taken by somebody else.",
    412: "It was changed since the tag in If-Match was read.",
    413: f"The body is over {MAX_BODY_BYTES} bytes.",
    422: "The Idempotency-Key was sent with another request.",
    503: "A neighbour does not answer; the sentence says which.",
}
_TAGS: Final[Mapping[bool, Document]] = {
    False: {
        "name": "If-Match",
        "in": "header",
        "description": "ETag of what was read: change nothing that was changed since.",
        "schema": {"type": "string"},
    },
    True: {
        "name": "If-None-Match",
        "in": "header",
        "description": "ETag of what is known: don't tell that again.",
        "schema": {"type": "string"},
    },
}
"""By whether it is a look."""

_KEY: Final[Document] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same again is the same request: it is carried out once.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_MAX}}}$"},
}


def document(
    operations: Mapping[tuple[str, str], Operation], routes: Iterable[Route]
) -> Document:
    """Return the document that says what `operations` are.

    :param routes: those of the operations, whose handlers say what may be sent again.
    """
    once = {(method, path) for method, path, handler in routes if is_once(handler)}
    things: dict[str, Thing] = {}
    paths: dict[str, Document] = {}
    for (method, path), operation in operations.items():
        entry = paths.setdefault(path, _path(path))
        entry[method.lower()] = _operation(
            method, path, operation, things, has_key=(method, path) in once
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hummingbird",
            "version": __version__,
            "summary": "Small node management for StarlingX and any Kubernetes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
            },
            "schemas": _schemas(things),
        },
    }


def _path(path: str) -> Document:
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": NAMES[name][0],
            "schema": {"type": "string", "minLength": 1},
            "example": NAMES[name][1],
        }
        for name in _named(path)
    ]
    return {"parameters": parameters} if parameters else {}


def _operation(
    method: str,
    path: str,
    operation: Operation,
    things: dict[str, Thing],
    *,
    has_key: bool,
) -> Document:
    said: Document = {
        "operationId": _identity(method, path),
        "summary": operation.summary,
        "tags": [_tag(path)],
    }
    parameters = [_argument(argument) for argument in operation.query]
    if operation.has_tag:
        parameters.append(_TAGS[method == "GET"])
    if has_key:
        parameters.append(_KEY)
    if parameters:
        said["parameters"] = parameters
    if operation.body is not None:
        schema = operation.body.schema
        said["requestBody"] = {
            "required": True,
            "content": {operation.body_type: {"schema": schema}},
        }
    if operation.is_public:
        said["security"] = []
    said["responses"] = _answers(method, path, operation, things, has_key=has_key)
    return said


def _answers(
    method: str,
    path: str,
    operation: Operation,
    things: dict[str, Thing],
    *,
    has_key: bool,
) -> Document:
    if operation.answer is None:
        answers: Document = {"204": {"description": "It is done."}}
    else:
        schema = _resolved(operation.answer, things)
        answers = {
            str(operation.status): {
                "description": "It is as asked for.",
                "content": {"application/json": {"schema": schema}},
            }
        }
    if operation.has_tag and method == "GET":
        answers["304"] = {"description": "It is as the tag in If-None-Match says."}
    is_fm = path.startswith(FAULT_PATHS)
    error = _resolved(_FAULT_OF_FM if is_fm else _FAULT, things)
    for status, description in _errors(method, path, operation, has_key=has_key):
        answers[str(status)] = {
            "description": description,
            "content": {"application/json": {"schema": error}},
        }
    return answers


def _errors(
    method: str, path: str, operation: Operation, *, has_key: bool
) -> Iterable[tuple[int, str]]:
    left_out = set()
    if operation.is_public:
        left_out |= {401, 403}
    if not _named(path) and operation.body is None and not operation.query:
        left_out.add(404)
    if method == "GET":
        left_out.add(409)
    if operation.body is None:
        left_out.add(413)
    if not operation.has_tag or method == "GET":
        left_out.add(412)
    if not has_key:
        left_out.add(422)
    foreseen = {**_ERRORS, **operation.further}
    return [(s, foreseen[s]) for s in sorted(foreseen) if s not in left_out]


def _argument(argument: Argument) -> Document:
    schema = argument.schema
    if argument.is_repeated:
        schema = {"type": "array", "items": schema}
    return {
        "name": argument.name,
        "in": "query",
        "description": argument.about,
        "schema": schema,
    }


def _named(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _tag(path: str) -> str:
    elements = path.strip("/").split("/")
    return elements[1] if len(elements) > 1 else "versions"


def _identity(method: str, path: str) -> str:
    words = re.findall(r"\w+", path.removeprefix("/v1/").replace(".", "_"))
    return "_".join([method.lower(), *words]) if words else f"{method.lower()}_root"


def _schemas(things: dict[str, Thing]) -> Document:
    schemas: Document = {}
    while waiting := [name for name in things if name not in schemas]:
        for name in waiting:
            thing = things[name]
            schemas[name] = {
                "type": "object",
                "properties": {
                    key: _resolved(shape, things) for key, shape in thing.fields.items()
                },
                "required": thing.must,
                "additionalProperties": thing.is_open,
            }
    return dict(sorted(schemas.items()))


def _resolved(shape: Shape | list[Any] | Any, things: dict[str, Thing]) -> Any:
    """Return `shape` with a reference in the place of each thing, which is noted."""
    if isinstance(shape, Thing):
        if things.setdefault(shape.name, shape) != shape:
            raise ValueError(f"two things are called {shape.name}")
        return {"$ref": f"#/components/schemas/{shape.name}"}
    if isinstance(shape, dict):
        return {key: _resolved(value, things) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_resolved(value, things) for value in shape]
    return shape
