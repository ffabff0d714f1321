# SPDX-License-Identifier: Apache-2.0
"""The verdict: what the silence of hosts means, taken together.

A pure function of evidence, all of it in moments on the gateways' listening clock
(domain/hearing.py): no wall clock has a say. Silence counts only from when somebody was
listening: a gateway that has just started, or a link of ours that has just come back, judges
nobody before one full allowance. While our own link to a network is down nobody behind it is
judged, and the fault is ours. What was concluded before our ears were closed stands until
the host is heard: an alarm neither comes nor goes because a gateway was restarted. Hosts
of one site that fall silent together are one fault of the site, not many of hosts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hummingbird.domain.liveness import SILENT, Allowance, Liveness, judge

SITE_MIN_SILENT: Final = 2
SITE_SHARE_SILENT: Final = 0.5
"""Two unrelated failures within 20 s of each other on a 50-node site with a mean time
between failures of a year happen 0.0016 times a year: two or more silent hosts that are
at least half of the site share a cause."""


@dataclass(frozen=True, kw_only=True)
class HostEvidence:
    """What was heard of one watched host."""

    hostname: str
    site: str
    link: str | None
    """Name of the controller's interface that leads to it; None: not known."""
    period_seconds: float
    heard: float | None
    """Its last word; None: it is not known."""
    counts_from: float
    """When its silence began to mean something: it came into service, and the gateway
    that heard it last was listening."""
    concluded: Liveness = Liveness.UNKNOWN
    """What its state says was concluded before: LATE, LOST, or anything else."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Whether we were able to hear."""

    through: float | None
    """All that any gateway heard up to then is known; None: nobody listens, or what is
    heard does not get here."""
    deaf: str = "no gateway is listening"
    """Why nothing is known, where `through` is None."""
    links_up_since: Mapping[str, float | None] = field(default_factory=dict)
    """Our interfaces: since when up; None: down now."""


@dataclass(frozen=True)
class Verdict:
    """What one host's silence means, and why."""

    hostname: str
    site: str
    liveness: Liveness
    silence_seconds: float
    reason: str
    site_dark: bool = False
    """Silent together with its site: the site's alarm stands, its own does not."""
    carried: bool = False
    """Concluded earlier; nothing new can be told now, so nothing new may be done."""
    look_seconds: float | None = None
    """When, on the listening clock, it may be another though nothing is heard; None: it
    stays as long as our ears are as open as they are."""


@dataclass(frozen=True)
class Concluded:
    """What is kept of a verdict."""

    liveness: Liveness
    look_seconds: float | None


@dataclass(frozen=True)
class Count:
    """Hosts of one site."""

    silent: int
    watched: int


@dataclass(frozen=True)
class Judgement:
    """Everything that one look says."""

    hosts: tuple[Verdict, ...]
    dark_sites: Mapping[str, tuple[int, int]]
    """Site -> (silent hosts, watched hosts)."""


def judge_all(
    evidence: Iterable[HostEvidence],
    *,
    watch: Watch,
    others: Mapping[str, Count] | None = None,
) -> Judgement:
    """Return the verdict on every host in `evidence`.

    :param others: site -> its hosts that `evidence` leaves out, where it has such.
    """
    verdicts = [_judge_one(item, watch=watch) for item in evidence]
    silent: Counter[str] = Counter()
    watched: Counter[str] = Counter()
    for verdict in verdicts:
        silent[verdict.site] += verdict.liveness in SILENT
        watched[verdict.site] += 1
    for site, count in (others or {}).items():
        silent[site] += count.silent
        watched[site] += count.watched
    dark = {
        site: (number, watched[site])
        for site, number in silent.items()
        if number >= SITE_MIN_SILENT and number >= SITE_SHARE_SILENT * watched[site]
    }
    return Judgement(
        hosts=tuple(_in_the_dark(v) if v.site in dark else v for v in verdicts),
        dark_sites=dark,
    )


def _judge_one(item: HostEvidence, *, watch: Watch) -> Verdict:
    if watch.through is None:
        return _untold(item, 0.0, watch.deaf)
    counted_from = item.counts_from
    if item.link is not None and item.link in watch.links_up_since:
        up_since = watch.links_up_since[item.link]
        if up_since is None:
            return _untold(item, 0.0, f"the controller's own link {item.link} is down")
        counted_from = max(counted_from, up_since)
    allowance = Allowance.of(item.period_seconds)
    if item.heard is not None:
        age = max(0.0, watch.through - item.heard)
        by_age = judge(age, period_seconds=item.period_seconds)
        if item.heard >= counted_from or by_age in _WELL:
            return _told(item, by_age, age, since=item.heard)
    silence = max(0.0, watch.through - counted_from)
    liveness = judge(silence, period_seconds=item.period_seconds)
    listening = f"listening for only {silence:.0f} s"
    if liveness in _WELL:
        stage = allowance.late_seconds
        if item.concluded is Liveness.LOST:
            stage = allowance.lost_seconds
        return _untold(item, silence, listening, look_seconds=counted_from + stage)
    if liveness is Liveness.LATE and item.concluded is Liveness.LOST:
        lost_at = counted_from + allowance.lost_seconds
        return _untold(item, silence, listening, look_seconds=lost_at)
    return _told(item, liveness, silence, since=counted_from)


_WELL: Final = (Liveness.LIVE, Liveness.SUSPECT)


def _told(
    item: HostEvidence, liveness: Liveness, silence: float, *, since: float
) -> Verdict:
    reason = f"nothing heard for {silence:.0f} s"
    allowance = Allowance.of(item.period_seconds)
    look_seconds = {
        Liveness.LATE: since + allowance.lost_seconds,
        Liveness.LOST: None,
    }.get(liveness, since + allowance.late_seconds)
    return Verdict(
        item.hostname,
        item.site,
        liveness,
        silence,
        reason,
        look_seconds=look_seconds,
    )


def _untold(
    item: HostEvidence,
    silence: float,
    reason: str,
    *,
    look_seconds: float | None = None,
) -> Verdict:
    stands = item.concluded in SILENT
    liveness = item.concluded if stands else Liveness.UNKNOWN
    return Verdict(
        item.hostname,
        item.site,
        liveness,
        silence,
        reason,
        carried=stands,
        look_seconds=look_seconds,
    )


def _in_the_dark(verdict: Verdict) -> Verdict:
    if verdict.liveness not in SILENT:
        return verdict
    reason = f"site {verdict.site} is silent as a whole"
    return replace(verdict, reason=reason, site_dark=True)
