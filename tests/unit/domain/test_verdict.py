# SPDX-License-Identifier: Apache-2.0
"""What silence means: case by case, at the default period of 10 s."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hummingbird.domain.liveness import Allowance, Liveness, judge
from hummingbird.domain.verdict import (
    HostEvidence,
    Judgement,
    Verdict,
    Watch,
    judge_all,
)

NOW = 1e6
"""On the listening clock."""
LONG_AGO = NOW - 86400.0


def ago(seconds: float) -> float:
    return NOW - seconds


def host(
    name: str = "edge-0",
    *,
    heard: float | None = 1.0,
    site: str = "a",
    link: str | None = "eth0",
    watched: float = LONG_AGO,
    concluded: Liveness = Liveness.UNKNOWN,
) -> HostEvidence:
    return HostEvidence(
        hostname=name,
        site=site,
        link=link,
        period_seconds=10.0,
        heard=None if heard is None else ago(heard),
        counts_from=watched,
        concluded=concluded,
    )


def look(
    *hosts: HostEvidence,
    listening: float | None = 86400.0,
    links: Mapping[str, float | None] | None = None,
) -> Judgement:
    watch = Watch(
        through=None if listening is None else NOW,
        links_up_since={"eth0": LONG_AGO} if links is None else links,
    )
    since = ago(listening or 0.0)
    heard = [replace(one, counts_from=max(one.counts_from, since)) for one in hosts]
    return judge_all(heard, watch=watch)


def one(evidence: HostEvidence, **how: object) -> Verdict:
    return look(evidence, **how).hosts[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("silence", "liveness"),
    [
        (0.0, Liveness.LIVE),
        (11.9, Liveness.LIVE),
        (12.0, Liveness.SUSPECT),
        (19.9, Liveness.SUSPECT),
        (20.0, Liveness.LATE),
        (29.9, Liveness.LATE),
        (30.0, Liveness.LOST),
        (1e6, Liveness.LOST),
    ],
)
def test_silence_by_itself(silence: float, liveness: Liveness) -> None:
    assert judge(silence, period_seconds=10.0) is liveness
    assert one(host(heard=silence)).liveness is liveness


def test_the_stages_grow_with_the_period() -> None:
    assert Allowance.of(600.0) == Allowance(720.0, 1200.0, 1800.0)


def test_nobody_is_judged_while_no_gateway_listens() -> None:
    verdict = one(host(heard=500), listening=None)
    assert verdict.liveness is Liveness.UNKNOWN
    assert "no gateway" in verdict.reason


@pytest.mark.parametrize("listening", [0.0, 5.0, 19.9])
def test_a_gateway_that_has_just_started_judges_nobody(listening: float) -> None:
    verdict = one(host(heard=500), listening=listening)
    assert verdict.liveness is Liveness.UNKNOWN


def test_a_gateway_that_listened_long_enough_judges() -> None:
    assert one(host(heard=500), listening=20.0).liveness is Liveness.LATE
    assert one(host(heard=500), listening=30.0).liveness is Liveness.LOST


@pytest.mark.parametrize("concluded", [Liveness.LATE, Liveness.LOST])
@pytest.mark.parametrize("listening", [None, 0.0, 10.0])
def test_what_was_concluded_stands_over_a_gateways_restart(
    concluded: Liveness, listening: float | None
) -> None:
    verdict = one(host(heard=500, concluded=concluded), listening=listening)
    assert verdict.liveness is concluded
    assert verdict.carried


def test_a_lost_host_does_not_become_late_again() -> None:
    verdict = one(host(heard=500, concluded=Liveness.LOST), listening=25.0)
    assert (verdict.liveness, verdict.carried) == (Liveness.LOST, True)
    verdict = one(host(heard=500, concluded=Liveness.LOST), listening=30.0)
    assert (verdict.liveness, verdict.carried) == (Liveness.LOST, False)


def test_a_lost_host_that_is_heard_is_live_at_once() -> None:
    verdict = one(host(heard=0.5, concluded=Liveness.LOST), listening=1.0)
    assert (verdict.liveness, verdict.carried) == (Liveness.LIVE, False)


def test_our_own_link_down_is_nobodys_fault() -> None:
    judgement = look(host(heard=500), links={"eth0": None})
    assert judgement.hosts[0].liveness is Liveness.UNKNOWN
    assert "own link eth0" in judgement.hosts[0].reason


def test_another_link_down_says_nothing_of_hosts_behind_this_one() -> None:
    links = {"eth0": LONG_AGO, "eth1": None}
    judgement = look(
        host(heard=500), host("edge-1", link="eth1", heard=500), links=links
    )
    assert [v.liveness for v in judgement.hosts] == [Liveness.LOST, Liveness.UNKNOWN]
    assert not judgement.dark_sites


def test_a_link_that_came_back_gives_everybody_one_allowance() -> None:
    assert one(host(heard=500), links={"eth0": ago(19)}).liveness is Liveness.UNKNOWN
    assert one(host(heard=500), links={"eth0": ago(30)}).liveness is Liveness.LOST


def test_a_host_that_was_never_heard_is_counted_from_its_service() -> None:
    assert one(host(heard=None, watched=ago(5))).liveness is Liveness.UNKNOWN
    assert one(host(heard=None, watched=ago(31))).liveness is Liveness.LOST


def test_a_single_silent_host_is_not_a_dark_site() -> None:
    judgement = look(host(heard=500))
    assert not judgement.dark_sites
    assert not judgement.hosts[0].site_dark


def test_half_of_a_site_is_a_dark_site() -> None:
    silent = [host(f"edge-{n}", heard=100) for n in range(2)]
    live = [host(f"edge-{n}") for n in range(2, 4)]
    judgement = look(*silent, *live)
    assert judgement.dark_sites == {"a": (2, 4)}
    assert [v.site_dark for v in judgement.hosts] == [True, True, False, False]


def test_less_than_half_of_a_site_are_hosts_of_their_own() -> None:
    silent = [host(f"edge-{n}", heard=100) for n in range(2)]
    live = [host(f"edge-{n}") for n in range(2, 5)]
    judgement = look(*silent, *live)
    assert not judgement.dark_sites
    assert [v.liveness for v in judgement.hosts[:2]] == [Liveness.LOST] * 2


def test_sites_are_dark_one_by_one() -> None:
    judgement = look(
        host("a-0", heard=100),
        host("a-1", heard=100),
        host("b-0", site="b"),
        host("b-1", site="b", heard=100),
        host("b-2", site="b"),
    )
    assert judgement.dark_sites == {"a": (2, 2)}


def test_a_dark_site_stays_dark_over_a_gateways_restart() -> None:
    lost = [host(f"edge-{n}", heard=500, concluded=Liveness.LOST) for n in range(3)]
    judgement = look(*lost, listening=1.0)
    assert judgement.dark_sites == {"a": (3, 3)}
    assert all(verdict.carried for verdict in judgement.hosts)
