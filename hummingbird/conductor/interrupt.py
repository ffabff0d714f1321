# SPDX-License-Identifier: Apache-2.0
"""Why a run stops before its aim, other than by failing."""

from enum import StrEnum


class Reason(StrEnum):
    """What interrupts a run."""

    CANCELLED = "cancelled"
    """Somebody asked for it, or a later request goes before."""
    STOPPING = "stopping"
    """This conductor is told to end; another one resumes the run."""
    FENCED = "fenced"
    """Another one has the run already; nothing more may be done or written."""


class Interrupted(Exception):
    """Carries the reason up to where the run ends; never crosses a process."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)
