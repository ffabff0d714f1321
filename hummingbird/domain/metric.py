# SPDX-License-Identifier: Apache-2.0
"""What is measured, as plain data: families of samples with labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MetricKind(StrEnum):
    """What a number means over time."""

    GAUGE = "gauge"
    """It goes up and down."""
    COUNTER = "counter"
    """It goes up, and begins anew where its source does."""


@dataclass(frozen=True)
class Sample:
    """One number."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Family:
    """Samples of one thing; a counter's name has no _total, which is added."""

    name: str
    help: str
    kind: MetricKind = MetricKind.GAUGE
    labels: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
