# SPDX-License-Identifier: Apache-2.0
"""A system's health as `system health-query` shows it: lines that end in [OK] or [Fail], in
the words of sysinv (sysinv/common/health.py), which clients read one by one."""

from collections.abc import Iterator

from hummingbird.db.repository.health import Health, Named


def health_text(health: Health) -> str:
    """Return the lines."""
    return "".join(f"{line}\n" for line in _lines(health))


def _lines(health: Health) -> Iterator[str]:
    yield "System Health:"
    unprovisioned = health.unprovisioned
    yield f"All hosts are provisioned: {_mark(not unprovisioned.count)}"
    if unprovisioned.count:
        yield f"{unprovisioned.count} Unprovisioned hosts"
    yield f"All hosts are unlocked/enabled: {_mark(not health.not_enabled.count)}"
    if health.not_enabled.count:
        yield f"Locked or disabled hosts: {_names(health.not_enabled)}"
    is_current = not health.out_of_date.count
    yield f"All hosts have current configurations: {_mark(is_current)}"
    if not is_current:
        yield f"Hosts with out of date configurations: {_names(health.out_of_date)}"
    yield f"No alarms: {_mark(not health.alarms)}"
    if health.alarms:
        affecting = health.management_affecting
        yield (
            f"[{health.alarms}] alarms found, [{affecting}] of which are management "
            "affecting"
        )


def _mark(is_well: bool) -> str:
    return "[OK]" if is_well else "[Fail]"


def _names(some: Named) -> str:
    further = some.count - len(some.names)
    names = ", ".join(some.names)
    return f"{names} and {further} more" if further else names
