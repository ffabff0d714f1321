# SPDX-License-Identifier: Apache-2.0
"""Until when the next byte has to come, and how many files there may be."""

import resource

import pytest

from hummingbird.httpd.limits import (
    FILES_WANTED,
    Limits,
    connections_allowed,
    raise_file_limit,
)


def test_a_transfer_may_stand_still_for_a_while_but_not_drip() -> None:
    limits = Limits(stall_seconds=30.0, bytes_per_second=1000)
    assert limits.due(began=100.0, moved=100.0, size=0) == 130.0
    assert limits.due(began=100.0, moved=129.0, size=50) == pytest.approx(130.05)
    assert limits.due(began=100.0, moved=129.0, size=1_000_000) == 159.0


@pytest.mark.parametrize(
    ("soft", "hard", "becomes", "connections"),
    [
        (1024, 524288, FILES_WANTED, 128),
        (1024, 4096, 4096, 128),
        (65536, 65536, None, 4096),
        (100, 100, None, 16),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, 4096),
        (1024, resource.RLIM_INFINITY, FILES_WANTED, 128),
    ],
)
def test_a_process_takes_the_files_it_may_have(
    monkeypatch: pytest.MonkeyPatch,
    soft: int,
    hard: int,
    becomes: int | None,
    connections: int,
) -> None:
    said: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: said.append(both))
    assert raise_file_limit() == (soft if becomes is None else becomes)
    assert said == ([] if becomes is None else [(becomes, hard)])
    assert connections_allowed() == connections
