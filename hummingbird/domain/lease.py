# SPDX-License-Identifier: Apache-2.0
"""A lease: what only one process at a time may do, and who may do it.

Nobody compares wall clocks. The holder renews, and by its own monotonic clock stops
HOLD_SHARE of the lease's length after the beginning of its last renewal. Others watch the
row: one that has not changed for the whole length, by the monotonic clock of who watches,
may be taken. Whoever takes it has the next epoch, and each write of the holder checks the
epoch in its own transaction: a holder that was frozen in the meantime writes nothing more.
"""

from dataclasses import dataclass
from typing import Final

FLEET: Final = "fleet"
"""The lease of the conductor that acts for all hosts. They are one shard; a second one would
have a lease beside it."""
HOLD_SHARE: Final = 0.75
"""Of the length; the rest is for what is under way when it ends."""
RENEWALS: Final = 3
"""In one length: one may be missed."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A lease as it is stored."""

    name: str
    owner: str
    """Who has it: one life of one process; "" where nobody does."""
    epoch: int
    """Counts the owners: the fencing token."""
    renewal: int
    """Counts the renewals of this owner."""


def may_be_taken(lease: Lease, *, unchanged_seconds: float, seconds: float) -> bool:
    """Return whether somebody else may take `lease`.

    :param unchanged_seconds: for how long who asks has seen it as it is.
    :param seconds: its length.
    """
    return not lease.owner or unchanged_seconds >= seconds


def is_life_of(owner: str, name: str) -> bool:
    """Return whether `owner` is a life, this one or a former, of the process `name`."""
    return owner.startswith(f"{name}/")
