# SPDX-License-Identifier: Apache-2.0
"""/v1/labels and /v1/ihosts/{host}/labels: labels, which nodes in Kubernetes get too."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.label import parse_labels, parse_overwrite
from hummingbird.api.view.label import label_view
from hummingbird.db.repository import host, label
from hummingbird.domain.label import check_lock


def list_of_host(call: Call) -> Any:
    """GET /v1/ihosts/{host}/labels"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        labels = label.of_host(connection, found.id)
    return {"labels": [label_view(one) for one in labels]}


def list_all(call: Call) -> Any:
    """GET /v1/labels"""
    call.arguments()
    with call.dependencies.database.reader() as connection:
        return {"labels": [label_view(one) for one in label.list_all(connection)]}


def get(call: Call) -> Any:
    """GET /v1/labels/{label}"""
    call.arguments()
    with call.dependencies.database.reader() as connection:
        return label_view(label.find(connection, call.name))


def assign(call: Call) -> Any:
    """POST /v1/labels/{host}?overwrite=: all of them or none"""
    overwrite = parse_overwrite(call.arguments("overwrite"))
    labels = parse_labels(call.json())
    with call.dependencies.database.writer() as connection:
        found = host.find(connection, call.name)
        check_lock(found.hostname, found.state, labels)
        assigned = label.assign(connection, found, labels, overwrite=overwrite)
    call.dependencies.hurry("node")
    return {"labels": [label_view(one) for one in assigned]}


def remove(call: Call) -> None:
    """DELETE /v1/labels/{label}"""
    call.arguments()
    with call.dependencies.database.writer() as connection:
        found = label.find(connection, call.name)
        owner = host.get(connection, found.host_id)
        check_lock(owner.hostname, owner.state, [found.label_key])
        label.remove(connection, found)
    call.dependencies.hurry("node")
