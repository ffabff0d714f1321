# SPDX-License-Identifier: Apache-2.0
"""Each provisioned host says whether what is on it is what would be put on it now.

Sees the cluster, the settings and our release, which all plans rest on; writes in one
statement what differs, and touches no host: an operator decides when one is reinstalled.
"""

from collections.abc import Callable
from typing import Final

from hummingbird.adapters.kubernetes.cluster import Cluster
from hummingbird.db.repository import fleet
from hummingbird.db.session import Database
from hummingbird.domain.provisioning import Join, Settings, basis
from hummingbird.reconcilers.base import Outcome

PERIOD_SECONDS: Final = 60.0
"""A guess: settings change with a restart, a cluster's version once in months."""


class PlanReconciler:
    """Keeps config_status true."""

    name = "plan"

    def __init__(
        self,
        database: Database,
        *,
        cluster: Cluster,
        settings: Callable[[], Settings],
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._settings = settings
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Compare what hosts were provisioned on with what there is now."""
        with self._database.reader() as connection:
            if not fleet.any_provisioned(connection):
                return Outcome()
        info = self._cluster.join_info()
        join = Join(
            api_endpoints=info.api_endpoints,
            ca_certificate=info.ca_certificate,
            version=info.version,
        )
        now = basis(join=join, settings=self._settings())
        with self._database.writer() as connection:
            changed = fleet.note_target_plans(connection, basis=now)
        said = (f"what would be put on {changed} hosts has changed",) if changed else ()
        return Outcome(looked_at=1, changed=said)
