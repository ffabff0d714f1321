# SPDX-License-Identifier: Apache-2.0
"""The order in which transactions take rows, so that no two wait for each other.

A transaction may change rows, or lock them for a change, of a table only as long as it has
touched no table that stands after it; what it has touched once it may touch again. Within a
table, who takes several rows takes them by their key, ascending. The order is from what
others hang on to what hangs on it: a host before its runs, its runs before their events. A
transaction that will change a host in the end locks the host first, although it writes
other rows before (repository/host_hold.py).

Tests hold every transaction of theirs to this (tests/lock_watch.py). Where two meet
nevertheless, the database undoes one of them, and it is done again (db/failure.py).
"""

from typing import Final

ORDER: Final = (
    "schema_floor",
    "deployment",
    "lease",
    "process",
    "idempotency",
    "system",
    "address_pool",
    "emn",
    "host",
    "run",
    "run_event",
    "address",
    "label",
    "tunnel",
    "hub",
    "board",
    "agent_session",
    "heartbeat",
    "verdict",
    "host_condition",
    "neighbour_condition",
    "facts_section",
    "facts_item",
    "facts_change",
    "facts",
    "host_trace",
    "link",
    "emn_link",
    "credential",
    "event_suppression",
    "alarm",
    "fault_outbox",
    "event_log",
    "application",
    "audit_log",
    "attention",
)
"""Every table."""

APPENDED: Final = frozenset(
    {
        *("run", "run_event", "event_log", "audit_log", "fault_outbox", "facts_change"),
        # By triggers, in whatever a transaction does.
        "attention",
    }
)
"""Tables into which any transaction may insert at any time: nobody waits for a new row."""

ALONE: Final = "system"
"""Whoever changes networks or pools locks this row first (address_pool.alone), and may then
take their rows in any order: there is no other."""
OF_NETWORKS: Final = frozenset({"address_pool", "emn", "address"})
