# SPDX-License-Identifier: Apache-2.0
"""Applications as sysinv shows them (StarlingX config sysinv/api/controllers/v1/
kube_app.py, class KubeApp)."""

from typing import Any, Final

from hummingbird.api.contract.shape import FLAG, TEXT, Shape, Thing, maybe, words
from hummingbird.domain.application import Application, ApplicationStatus

CHART: Final = "Chart.yaml"
"""What stands for a manifest: our applications are helm charts."""


def application_view(application: Application) -> dict[str, Any]:
    """Return the view of an application."""
    return {
        "name": application.name,
        "app_version": application.app_version,
        "manifest_name": application.name,
        "manifest_file": CHART,
        "status": application.status.value,
        "progress": application.progress,
        "active": application.status is ApplicationStatus.APPLIED,
    }


APPLICATION: Final[Shape] = Thing(
    "Application",
    {
        "name": TEXT,
        "app_version": TEXT,
        "manifest_name": TEXT,
        "manifest_file": TEXT,
        "status": words(*(status.value for status in ApplicationStatus)),
        "progress": maybe(TEXT),
        "active": FLAG,
    },
)
