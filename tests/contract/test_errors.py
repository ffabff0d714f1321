# SPDX-License-Identifier: Apache-2.0
"""What clients branch on is stable, unique and written down."""

import string

import pytest

from hummingbird.errors import HummingbirdError
from tools.list_errors import TARGET, classes, text

CLASSES = classes()


def test_there_are_errors() -> None:
    assert len(CLASSES) > 20


def test_no_two_errors_have_the_same_code() -> None:
    codes = [item.code for item in CLASSES]
    assert sorted(set(codes)) == codes


@pytest.mark.parametrize("item", CLASSES, ids=lambda item: item.__name__)
def test_a_class_is_a_whole_row(item: type[HummingbirdError]) -> None:
    assert "code" in vars(item), "it would share its parent's code"
    assert item.code.startswith("hummingbird.")
    assert "sentence" in vars(item) or item is HummingbirdError
    assert 400 <= item.status < 600
    assert isinstance(item.worth_a_retry, bool)


@pytest.mark.parametrize("item", CLASSES, ids=lambda item: item.__name__)
def test_the_facts_of_an_error_fill_its_sentence(item: type[HummingbirdError]) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(item.sentence) if name}
    error = item(**dict.fromkeys(names, "fact"))
    assert "{" not in str(error)
    assert set(error.facts) == names


def test_what_may_go_through_later_is_nobodys_mistake() -> None:
    for item in CLASSES:
        if item.worth_a_retry:
            assert item.status in (409, 429, 500, 503), item.code


def test_the_list_is_up_to_date() -> None:
    assert TARGET.read_text() == text(), "make it again: tox -e docs"
