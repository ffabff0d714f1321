# SPDX-License-Identifier: Apache-2.0
"""Each host is told an endpoint that it can speak to."""

import pytest

from hummingbird.domain.endpoint import join, nearest_endpoints, split, version

FOUR, SIX, NAME = "192.168.204.2:6443", "[fd00:204::2]:6443", "api.example.com:6443"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("10.20.0.11", (FOUR, NAME)),
        ("fd00:20::11", (SIX, NAME)),
        (None, (FOUR, SIX, NAME)),
    ],
)
def test_a_host_is_told_what_its_family_can_speak_to(
    address: str | None, told: tuple[str, ...]
) -> None:
    assert nearest_endpoints([FOUR, SIX, NAME], address=address) == told


def test_a_host_of_which_no_endpoint_is_like_is_told_what_there_is() -> None:
    """It may have an address of that family beside the one that we know."""
    assert nearest_endpoints([FOUR], address="fd00:20::11") == (FOUR,)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (FOUR, ("192.168.204.2", 6443)),
        (SIX, ("fd00:204::2", 6443)),
        ("https://[fd00::2]:5000", ("fd00::2", 5000)),
        ("http://archive.example.com/debian", ("archive.example.com", None)),
        ("hub:70000", ("hub", None)),
        ("hub:port", ("hub", None)),
    ],
)
def test_an_endpoint_has_a_host_and_a_port(
    text: str, parts: tuple[str, int | None]
) -> None:
    assert split(text) == parts


def test_an_ipv6_address_has_brackets_before_a_port() -> None:
    assert (join("fd00::2", 1), join("10.0.0.1", 1)) == ("[fd00::2]:1", "10.0.0.1:1")
    assert (version("[fd00::2]"), version("10.0.0.1"), version("hub")) == (6, 4, None)
