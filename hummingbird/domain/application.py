# SPDX-License-Identifier: Apache-2.0
"""Applications that Hummingbird itself keeps installed, in StarlingX's words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class ApplicationStatus(StrEnum):
    """How far an application is (StarlingX config sysinv/common/constants.py, APP_*)."""

    UPLOADED = "uploaded"
    """It comes with Hummingbird, and no host has needed it yet."""
    APPLIED = "applied"
    """Its helm release is as it should be."""
    APPLY_FAILED = "apply-failed"
    """Kubernetes refused it; `progress` says why."""


PROGRESS_MAX: Final = 255


@dataclass(frozen=True, kw_only=True)
class Application:
    """One application, as it was last seen."""

    name: str
    app_version: str
    status: ApplicationStatus
    progress: str | None
    """A remark on the status; None: there is nothing to say."""
    changed_at: datetime | None
    """When this was first seen so; None: it was not looked at yet."""
