# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a sysinv is said at the start."""

import pytest

from hummingbird.clock import SystemClock
from hummingbird.cmd.bootstrap import open_database, sysinv_relay
from hummingbird.conf import Conf
from hummingbird.errors import SysinvIdsMayClash, SysinvUrlInvalid
from tests.fakes.sysinv import FakeSysinv


def test_hosts_whose_ids_could_be_sysinvs_are_named_at_the_start(
    conf: Conf, sysinv: FakeSysinv
) -> None:
    clock = SystemClock()
    database = open_database(conf, clock)
    with database.writer() as connection:
        connection.exec_driver_sql(
            "INSERT INTO host (id, uuid, hostname, mgmt_mac, state, state_since, "
            "generation, location, capabilities, attributes, created_at) VALUES "
            "(3, 'u', 'edge-old', 'm', 'added', '2026-01-01 00:00:00', 1, '{}', '{}',"
            " '{}', '2026-01-01 00:00:00')"
        )
    with pytest.raises(SysinvIdsMayClash, match="edge-old"):
        sysinv_relay(conf, clock, database)
    database.dispose()


@pytest.mark.parametrize("url", ["controller:6385", "ftp://x", "http://", "http://a:b"])
def test_an_upstream_that_is_no_url_ends_the_start(conf: Conf, url: str) -> None:
    conf.set_override("upstream", url, group="sysinv")
    clock = SystemClock()
    database = open_database(conf, clock)
    with pytest.raises(SysinvUrlInvalid):
        sysinv_relay(conf, clock, database)
    database.dispose()
