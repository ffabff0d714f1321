# SPDX-License-Identifier: Apache-2.0
"""While any host is provisioned, the agents' chart is installed as it should be.

Sees hosts in the database and the helm release in Kubernetes; the gateway's address and
certificate authority go into its values. A release that was as wanted is asked again only
every RECHECK_SECONDS: somebody may have changed it by hand.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from hummingbird.adapters.kubernetes.cluster import Cluster
from hummingbird.clock import Clock
from hummingbird.db.repository import application, fleet
from hummingbird.db.session import Database
from hummingbird.domain.application import ApplicationStatus
from hummingbird.errors import KubernetesRefused
from hummingbird.reconcilers.base import Outcome

RECHECK_SECONDS: Final = 600.0
"""A guess: long against the cost of one helm process, short against a working day."""

NAMESPACE_LABELS: Final = {"app.kubernetes.io/managed-by": "hummingbird"}


class Release(Protocol):
    """A helm release; adapters/helm keeps to it."""

    def ensure(self, values: Mapping[str, object]) -> bool:
        """Make the release so; return whether that changed anything."""


class AgentReconciler:
    """Keeps the agents installed."""

    name = "agent"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        cluster: Cluster,
        release: Release,
        namespace: str,
        name: str,
        version: str,
        values: Callable[[], Mapping[str, object]],
        period_seconds: float,
    ) -> None:
        """
        :param name: of the release, which is an application in StarlingX's eyes.
        :param version: of what is in it.
        :param values: what the chart gets now; may raise `Unavailable`.
        """
        self._database = database
        self._clock = clock
        self._cluster = cluster
        self._release = release
        self._namespace = namespace
        self._application = name
        self._version = version
        self._values = values
        self._lock = threading.Lock()
        self._ensured: tuple[Mapping[str, object], float] | None = None
        self.period_seconds = period_seconds

    def forget(self) -> None:
        """Ask the release itself next time."""
        with self._lock:
            self._ensured = None

    def reconcile(self) -> Outcome:
        """Install or upgrade the release, if any host needs it."""
        with self._database.reader() as connection:
            wanted = fleet.any_provisioned(connection)
        if not wanted:
            return Outcome()
        changed = self.ensure()
        return Outcome(
            looked_at=1,
            changed=("the agents' release was changed",) if changed else (),
        )

    def ensure(self) -> bool:
        """Make the release as wanted; return whether that changed anything.

        :raises KubernetesUnavailable, KubernetesRefused: it could not be made so.
        """
        with self._lock:
            values, now = self._values(), self._clock.monotonic()
            if self._ensured is not None:
                known, at = self._ensured
                if known == values and now - at < RECHECK_SECONDS:
                    return False
            try:
                self._cluster.ensure_namespace(self._namespace, labels=NAMESPACE_LABELS)
                changed = self._release.ensure(values)
            except KubernetesRefused as error:
                self._note(ApplicationStatus.APPLY_FAILED, progress=str(error))
                raise
            self._note(ApplicationStatus.APPLIED)
            self._ensured = (values, now)
            return changed

    def _note(self, status: ApplicationStatus, *, progress: str | None = None) -> None:
        with self._database.writer() as connection:
            application.put(
                connection,
                self._application,
                app_version=self._version,
                status=status,
                progress=progress,
                now=self._clock.now(),
            )
