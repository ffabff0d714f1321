# SPDX-License-Identifier: Apache-2.0
"""`hummingbird-gateway`: sessions, heartbeats and reports of the agents, until SIGTERM
or SIGINT.

A Kubernetes that is away stops nothing here: known sessions go on, new ones wait.
"""

import logging
import sys

from hummingbird import core_dump
from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.adapters.kubernetes.token_review import TokenReviewVerifier
from hummingbird.adapters.netlink.link import NetlinkLinks
from hummingbird.clock import Clock, SystemClock
from hummingbird.cmd.advertise import gateway_certificate
from hummingbird.cmd.bootstrap import open_database, setup_logging, wait_for_signal
from hummingbird.cmd.deployment import adopt
from hummingbird.cmd.private_files import keep_private
from hummingbird.conf import Conf, load
from hummingbird.db.session import Database
from hummingbird.errors import HummingbirdError
from hummingbird.gateway.identity import SERVICE_ACCOUNTS
from hummingbird.gateway.service import GatewayService
from hummingbird.httpd.limits import raise_file_limit

LOG = logging.getLogger("hummingbird.cmd.gateway")


def build(conf: Conf, database: Database, clock: Clock) -> GatewayService:
    """Return a gateway with its neighbours, its port bound, not started.

    :raises OSError: its address can't be bound.
    """
    cluster = KubernetesCluster(
        conf.kubernetes.kubeconfig,
        context=conf.kubernetes.context,
        timeout_seconds=conf.kubernetes.timeout_seconds,
    )
    verifier = TokenReviewVerifier(
        cluster,
        namespace=str(conf.agents.namespace),
        service_accounts=SERVICE_ACCOUNTS.values(),
    )
    certificate = gateway_certificate(conf, NetlinkLinks())
    return GatewayService(conf, database, clock, verifier, certificate)


def main() -> int:
    """Run the process; return its exit code."""
    core_dump.forbid()
    conf = load(sys.argv[1:], prog="hummingbird-gateway")
    setup_logging(conf)
    raise_file_limit()
    clock = SystemClock()
    try:
        keep_private(conf)
        database = open_database(conf, clock)
        adopt(conf, database, clock)
        service = build(conf, database, clock)
        service.start()
    except (HummingbirdError, OSError) as error:
        LOG.error("Could not start: %s", error)
        return 1
    wait_for_signal()
    service.stop()
    database.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
