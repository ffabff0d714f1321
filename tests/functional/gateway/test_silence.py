# SPDX-License-Identifier: Apache-2.0
"""What a conductor says of hosts whose gateways die, freeze or lose their database.

The product's own agents, gateways and repositories, on both databases; the time is the
test's own.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from hummingbird.db.model import AGENT_SESSION, HEARTBEAT, PROCESS
from hummingbird.domain.hearing import Presence
from hummingbird.domain.liveness import LATE_PERIODS, LOST_PERIODS
from tests.fakes.gateway_field import Field, Host, Place
from tests.functional.gateway.conftest import Site

PERIOD = 10.0
LATE, LOST = LATE_PERIODS * PERIOD, LOST_PERIODS * PERIOD


def kill(place: Place) -> None:
    place.is_dead = True


def cut_off(place: Place) -> None:
    place.database.is_cut = True


def end(place: Place) -> None:
    for farewell, host in place.stop():
        assert isinstance(host, Host)
        host.answers.append(farewell)


def thaw(place: Place) -> None:
    place.is_dead = False


def mend(place: Place) -> None:
    place.database.is_cut = False


@pytest.fixture
def field(either_site: Site) -> Field:
    """Two gateways, two hosts that beat at the first."""
    site = either_site
    field = Field(site.database, list(site.hosts.values()), period_seconds=PERIOD)
    run(field, 25.0)
    assert {word.gateway for word in field.look()[1].values()} == {"one"}
    return field


def run(field: Field, seconds: float) -> float:
    """Let time go by; return the longest silence that was told of a host that is on."""
    longest = 0.0
    for _ in range(round(seconds * 2)):
        field.tick()
        field.tick()
        silent = [field.silence(host) for host in field.hosts if host.is_on]
        longest = max(longest, *silent)
    return longest


@pytest.mark.parametrize("happen", [kill, cut_off, end])
def test_no_host_that_beats_is_late_when_a_gateway_ends(
    field: Field, happen: Callable[[Place], None]
) -> None:
    happen(field.places[0])
    assert run(field, 90.0) < LATE
    _, words = field.look()
    assert {word.gateway for word in words.values()} == {"two"}


@pytest.mark.parametrize("happen", [kill, cut_off])
@pytest.mark.parametrize("seconds", [2.0, 4.5, 7.0, 60.0])
def test_nor_when_it_comes_back(
    field: Field, happen: Callable[[Place], None], seconds: float
) -> None:
    one = field.places[0]
    happen(one)
    longest = run(field, seconds)
    (thaw if happen is kill else mend)(one)
    assert max(longest, run(field, 60.0)) < LATE
    assert field.look()[0].presence["one"] is Presence.LISTENING


@pytest.mark.parametrize("happen", [kill, cut_off, end])
def test_nor_when_all_end_one_after_the_other(
    field: Field, happen: Callable[[Place], None]
) -> None:
    happen(field.places[0])
    longest = run(field, 40.0)
    happen(field.places[1])
    assert max(longest, run(field, 120.0)) < LATE
    mend(field.places[1])
    assert run(field, 60.0) < LATE


@pytest.mark.parametrize("happen", [kill, cut_off, end])
def test_a_host_that_is_lost_is_found_although_its_gateway_ended(
    field: Field, happen: Callable[[Place], None]
) -> None:
    """Its allowance starts anew, and once."""
    happen(field.places[0])
    lost = field.hosts[0]
    lost.is_on = False
    waited = 0.0 if happen is end else 8.0
    assert run(field, 25.0) < LATE
    assert field.silence(lost) < LOST
    run(field, waited + LOST - 25.0 + 3.0)
    assert field.silence(lost) >= LOST


def test_a_host_that_is_lost_is_found_in_time_where_another_gateway_ended(
    field: Field,
) -> None:
    run(field, 20.0)
    kill(field.places[1])
    field.hosts[0].is_on = False
    run(field, LOST + 11.5)
    assert field.silence(field.hosts[0]) >= LOST


def test_a_gateway_that_dies_each_minute_hides_nobody(field: Field) -> None:
    lost = field.hosts[0]
    run(field, 5.0)
    lost.is_on = False
    said = []
    for _ in range(3):
        kill(field.places[1])
        run(field, 30.0)
        thaw(field.places[1])
        run(field, 30.0)
        said.append(field.silence(lost))
    assert said[0] > LOST
    assert said == sorted(said)


def test_what_a_gateway_heard_without_its_database_is_written_with_its_times(
    either_site: Site,
) -> None:
    """A single gateway, away from its database for two minutes: its hosts stay with it,
    nobody is judged meanwhile, and afterwards their last words are known to be recent."""
    site = either_site
    field = Field(
        site.database, list(site.hosts.values()), names=("one",), period_seconds=PERIOD
    )
    run(field, 25.0)
    before = field.look()[1]
    cut_off(field.places[0])
    assert run(field, 120.0) < LATE
    gone = field.hosts[1]
    gone.is_on = False
    assert run(field, 15.0) < LATE
    assert field.look()[1] == before
    mend(field.places[0])
    assert run(field, 3.0) < LATE
    said, words = field.look()
    assert said.through is not None
    for host, least in ((field.hosts[0], 0.0), (gone, 15.0)):
        heard = words[host.id].heard_seconds
        assert heard is not None and least <= said.through - heard <= least + 14.0
        assert words[host.id].beats > before[host.id].beats + 8
    run(field, LOST)
    assert field.silence(gone) >= LOST
    assert field.silence(field.hosts[0]) < LATE


def test_steps_of_wall_clocks_change_nothing(field: Field) -> None:
    for step in (60, -3600, 86400 * 400, -86400 * 800):
        field.clock._now += timedelta(seconds=step)
        assert run(field, 30.0) < LATE


def test_a_lossy_way_makes_nobody_late(field: Field) -> None:
    field.loss = 0.1
    longest = run(field, 120.0)
    kill(field.places[0])
    assert max(longest, run(field, 120.0)) < LATE


def test_a_database_that_is_put_back_to_an_older_copy_makes_nobody_late(
    field: Field,
) -> None:
    """Its hosts were heard long ago, its sessions are those of then, and the gateways go
    on without a stop."""
    with field.database.reader() as connection:
        copy = {table: connection.execute(table.select()).all() for table in COPIED}
    field.clock.advance(1.0)
    assert run(field, 200.0) < LATE
    for host in field.hosts:
        # Sessions of later are not in the copy.
        for place in field.places:
            place.open(host.id)
    with field.database.writer() as connection:
        for table in reversed(COPIED):
            connection.execute(table.delete())
        for table in COPIED:
            connection.execute(table.insert(), [row._asdict() for row in copy[table]])
    assert run(field, 120.0) < LATE


COPIED = (PROCESS, HEARTBEAT, AGENT_SESSION)


def test_where_nothing_is_heard_little_is_written(either_site: Site) -> None:
    site = either_site
    field = Field(site.database, [], names=("one",), period_seconds=PERIOD)
    writes = 0
    one = field.places[0]
    whole = one.flush.write

    def count() -> bool:
        nonlocal writes
        writes += 1
        return whole()

    one.flush.write = count  # type: ignore[method-assign]
    for _ in range(240):
        field.tick()
    assert 20 <= writes <= 30
    said, _ = field.look()
    assert said.clock is not None and said.clock >= 57.0
