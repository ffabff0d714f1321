# SPDX-License-Identifier: Apache-2.0
"""How long a process waits for PostgreSQL before it says that it does not answer."""

from dataclasses import dataclass
from typing import Final

MARGIN_SECONDS: Final = 2.0
"""Beyond the server's own limit for a statement, until the answer is given up here."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long things may take, in seconds. A value of the URL goes before these."""

    connect: float = 3.0
    """Until a connection is open and logged in."""
    statement: float = 10.0
    """Until the server ends a statement."""
    lock: float = 5.0
    """Until the server gives up on a lock that another transaction has."""
    idle: float = 10.0
    """Until the server ends a transaction whose process says nothing more: a process that
    is frozen holds no lock for longer."""
    pool: float = 5.0
    """Until one of the process's connections is free."""

    @property
    def answer(self) -> float:
        """Seconds after which an answer is given up."""
        return self.statement + MARGIN_SECONDS


LIMITS: Final = Limits()
"""Where nothing else is said."""

UNLIMITED: Final = Limits(statement=3600.0, idle=3600.0)
"""For changes of the schema, which rewrite tables. Locks are given up as by others, for
whoever waits for a table's lock has everybody behind it wait, too."""
