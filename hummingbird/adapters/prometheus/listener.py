# SPDX-License-Identifier: Apache-2.0
"""Serves /metrics from whatever is measured at the moment of the scrape.

Nothing is counted in between and nothing kept: a scrape that nobody makes costs nothing.
One that fails is answered with what there is, and `hummingbird_scrape_failed` is 1.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from hummingbird.clock import Clock
from hummingbird.domain.metric import Family, MetricKind
from hummingbird.errors import HummingbirdError
from hummingbird.httpd.limits import Limits
from hummingbird.httpd.server import Server

LOG = logging.getLogger(__name__)


THREADS: Final = 2
CONNECTIONS: Final = 256


class MetricsListener:
    """An HTTP server that answers scrapes, from `start` to `stop`."""

    def __init__(
        self,
        collect: Callable[[], Iterable[Family]],
        *,
        bind: str,
        port: int,
        clock: Clock,
    ) -> None:
        registry = CollectorRegistry()
        registry.register(_Collector(collect))
        self._server = Server(
            make_wsgi_app(registry),
            bind=bind,
            port=port,
            name="metrics",
            threads=THREADS,
            clock=clock,
            limits=Limits(connections=CONNECTIONS, body_bytes=0),
        )

    @property
    def port(self) -> int:
        """The port that it listens on, once it does."""
        return self._server.port

    def start(self) -> None:
        """Begin to answer.

        :raises OSError: the address can't be bound.
        """
        self._server.start()

    def stop(self) -> None:
        """End; safe to call twice."""
        self._server.stop()


class _Collector(Collector):
    def __init__(self, collect: Callable[[], Iterable[Family]]) -> None:
        self._collect = collect

    def describe(self) -> Iterable[Any]:
        """Return nothing: else the registry would collect to know the names."""
        return ()

    def collect(self) -> Iterator[Any]:
        """Yield the families of this moment."""
        failed = 0
        try:
            families = list(self._collect())
        except HummingbirdError as error:
            LOG.warning("Nothing can be measured: %s", error)
            families, failed = [], 1
        for family in families:
            yield _family(family)
        yield GaugeMetricFamily(
            "hummingbird_scrape_failed", "1: nothing could be measured.", value=failed
        )


def _family(family: Family) -> Any:
    kind = (
        CounterMetricFamily if family.kind is MetricKind.COUNTER else GaugeMetricFamily
    )
    made = kind(family.name, family.help, labels=family.labels)
    for sample in family.samples:
        made.add_metric(
            [sample.labels.get(name, "") for name in family.labels], sample.value
        )
    return made
