# SPDX-License-Identifier: Apache-2.0
"""Every error survives the way; what we do not know becomes the root error."""

import json
import string
from collections.abc import Iterator

import pytest

from hummingbird.errors import HummingbirdError
from hummingbird.rpc.fault import pack, rebuild


def every_error() -> Iterator[type[HummingbirdError]]:
    waiting = [HummingbirdError]
    while waiting:
        known = waiting.pop()
        yield known
        waiting += known.__subclasses__()


@pytest.mark.parametrize("known", every_error(), ids=lambda known: known.__name__)
def test_an_error_is_rebuilt_from_its_code_and_facts(
    known: type[HummingbirdError],
) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(known.sentence) if name]
    error = known(**{name: f"the {name}" for name in names})
    again = rebuild(json.loads(json.dumps(pack(error))))
    assert type(again) is known
    assert str(again) == str(error)
    assert again.facts == error.facts


def test_an_unknown_code_is_the_root_error() -> None:
    again = rebuild({"code": "hummingbird.of.tomorrow", "facts": {"a": 1}})
    assert type(again) is HummingbirdError
    assert again.facts == {"a": 1}


def test_facts_that_a_sentence_lacks_are_no_crash() -> None:
    again = rebuild({"code": "hummingbird.host.busy", "facts": {}})
    assert type(again) is HummingbirdError
