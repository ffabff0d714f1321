# SPDX-License-Identifier: Apache-2.0
"""Labels of hosts: rows in, domain objects out."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import HOST, LABEL
from hummingbird.domain.host import Host
from hummingbird.domain.label import KEYS_MAX, Label
from hummingbird.errors import LabelNotFound, LabelsTooMany, LabelTaken

_SELECT: Select[Any] = (
    select(LABEL, HOST.c.uuid.label("host_uuid")).join(HOST).order_by(LABEL.c.id)
)


def _label(row: Row[Any]) -> Label:
    return Label(**row._mapping)


def list_all(connection: Connection) -> list[Label]:
    """Return every label, by id."""
    return [_label(row) for row in connection.execute(_SELECT)]


def of_host(connection: Connection, host_id: int) -> list[Label]:
    """Return the labels of one host, by id."""
    query = _SELECT.where(LABEL.c.host_id == host_id)
    return [_label(row) for row in connection.execute(query)]


def by_host(connection: Connection) -> dict[int, dict[str, str]]:
    """Return key and value of all labels, by host id."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for label in list_all(connection):
        found[label.host_id][label.label_key] = label.label_value
    return dict(found)


def find(connection: Connection, uuid: str) -> Label:
    """Return the label with this uuid.

    :raises LabelNotFound: there is none.
    """
    try:
        wanted = str(UUID(uuid))
    except ValueError as error:
        raise LabelNotFound(name=uuid) from error
    row = connection.execute(_SELECT.where(LABEL.c.uuid == wanted)).first()
    if row is None:
        raise LabelNotFound(name=uuid)
    return _label(row)


def assign(
    connection: Connection, host: Host, labels: Mapping[str, str], *, overwrite: bool
) -> list[Label]:
    """Store labels of a host; return them, in the order given.

    :raises LabelTaken: one is there already, and `overwrite` is false.
    :raises LabelsTooMany: the host would have more than there is room for.
    """
    there = {label.label_key: label for label in of_host(connection, host.id)}
    if len(there.keys() | labels.keys()) > KEYS_MAX:
        raise LabelsTooMany(hostname=host.hostname, limit=KEYS_MAX)
    for key, value in labels.items():
        known = there.get(key)
        if known is not None:
            if not overwrite:
                raise LabelTaken(key=key, hostname=host.hostname)
            connection.execute(
                update(LABEL).where(LABEL.c.id == known.id).values(label_value=value)
            )
            continue
        try:
            with connection.begin_nested():
                connection.execute(
                    LABEL.insert().values(
                        uuid=str(uuid4()),
                        host_id=host.id,
                        label_key=key,
                        label_value=value,
                    )
                )
        except IntegrityError as error:
            # Somebody else gave it one between the look and the write.
            raise LabelTaken(key=key, hostname=host.hostname) from error
    stored = {label.label_key: label for label in of_host(connection, host.id)}
    return [stored[key] for key in labels]


def remove(connection: Connection, label: Label) -> None:
    """Delete the label."""
    connection.execute(delete(LABEL).where(LABEL.c.id == label.id))
