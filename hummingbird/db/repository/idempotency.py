# SPDX-License-Identifier: Apache-2.0
"""Answers that were given to requests which may come again: rows in, text out.

A row and what it is the answer to are written in one transaction: either both are there
or neither, whenever a process ends.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import IDEMPOTENCY

PRUNED_AT_ONCE = 20
"""Expired rows that one request takes away: more than it adds, so they never pile up."""


@dataclass(frozen=True)
class Claim:
    """A request that is answered for the first time, and where its answer goes."""

    id: int


def claim(
    connection: Connection, digest: str, *, until: datetime, now: datetime
) -> Claim | str:
    """Return the sealed answer that `digest` was given, or the claim to give it one.

    Where another transaction has claimed it, this waits for that one's end.

    :param digest: of the caller and of the key that he sent.
    :param until: when the answer may be forgotten.
    """
    _prune(connection, now=now)
    known = _answer(connection, digest, now=now)
    if known is not None:
        return known
    connection.execute(
        delete(IDEMPOTENCY).where(
            IDEMPOTENCY.c.digest == digest, IDEMPOTENCY.c.expires_at <= now
        )
    )
    try:
        with connection.begin_nested():
            result = connection.execute(
                IDEMPOTENCY.insert().values(
                    digest=digest, answer_sealed="", expires_at=until
                )
            )
    except IntegrityError:
        # A twin was faster, and has ended by now: PostgreSQL waits for that here.
        known = _answer(connection, digest, now=now)
        if known is None:
            raise
        return known
    assert result.inserted_primary_key is not None
    return Claim(result.inserted_primary_key[0])


def _answer(connection: Connection, digest: str, *, now: datetime) -> str | None:
    found: str | None = connection.execute(
        select(IDEMPOTENCY.c.answer_sealed).where(
            IDEMPOTENCY.c.digest == digest, IDEMPOTENCY.c.expires_at > now
        )
    ).scalar()
    return found


def answer(connection: Connection, claimed: Claim, *, sealed: str) -> None:
    """Keep the answer to a request."""
    connection.execute(
        update(IDEMPOTENCY)
        .where(IDEMPOTENCY.c.id == claimed.id)
        .values(answer_sealed=sealed)
    )


def _prune(connection: Connection, *, now: datetime) -> None:
    # Rows that another transaction is about to take away are left to it.
    expired = (
        connection.execute(
            select(IDEMPOTENCY.c.id)
            .where(IDEMPOTENCY.c.expires_at <= now)
            .order_by(IDEMPOTENCY.c.expires_at)
            .limit(PRUNED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )
    if expired:
        connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.id.in_(expired)))
