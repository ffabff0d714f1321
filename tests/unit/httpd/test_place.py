# SPDX-License-Identifier: Apache-2.0
"""Who has the most, counted as connections come and go."""

import random

import pytest

from hummingbird.httpd.place import Places, source_of


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_source_is_what_one_customer_has(address: str, source: str) -> None:
    assert source_of(address) == source


def test_the_heaviest_source_is_the_one_with_the_most() -> None:
    places: Places[int] = Places()
    held: dict[int, str] = {}
    dice = random.Random(7)  # noqa: S311
    for step in range(5000):
        if held and dice.random() < 0.49:
            one = dice.choice(sorted(held))
            assert places.leave(one, source=held.pop(one))
        else:
            held[step] = f"s{dice.randrange(1 + step % 40)}"
            places.enter(step, source=held[step])
        counts = {source: places.of(source) for source in held.values()}
        assert len(places) == len(held) == sum(counts.values())
        heaviest = places.heaviest()
        if not held:
            assert heaviest is None
            continue
        assert heaviest is not None
        assert counts[heaviest] == max(counts.values())
        its = [one for one, source in held.items() if source == heaviest]
        assert places.oldest(heaviest) == its[0]
        assert places.newest(heaviest) == its[-1]


def test_a_place_is_taken_and_given_back_once() -> None:
    places: Places[str] = Places()
    for _ in range(2):
        places.enter("a", source="s")
    assert len(places) == 1
    assert places.leave("a", source="s")
    assert not places.leave("a", source="s")
    assert places.heaviest() is None
