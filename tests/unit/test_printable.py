# SPDX-License-Identifier: Apache-2.0
"""What is printed is shown, whoever wrote it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hummingbird.printable import is_plain, plain, plain_content, printable

ANY = st.text(st.characters())


@given(ANY)
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    assert printable(text).isprintable()


@given(ANY)
def test_what_is_kept_is_kept_alone(text: str) -> None:
    shown = printable(text, keep="\n")
    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count("\n") == text.count("\n")


@given(st.text())
def test_json_says_the_same_afterwards(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False)
    beyond = [one for one in text if ord(one) > 0xFFFF and not one.isprintable()]
    if not beyond:
        assert json.loads(printable(written)) == text


def test_what_people_write_stays() -> None:
    for text in ("edge-0", "Straße 7, Köln", "日本", "🙂", r"C:\temp", ""):
        assert printable(text) is text


@given(ANY)
def test_what_is_made_plain_is_plain_and_as_long(text: str) -> None:
    made = plain(text)
    assert is_plain(made)
    assert len(made) == len(text)
    assert plain(made) == made


@given(ANY)
def test_lines_stay_where_there_may_be_some(text: str) -> None:
    made = plain(text, has_lines=True)
    assert is_plain(made.replace("\n", "").replace("\t", ""))
    assert made.count("\n") == text.count("\n")


def test_names_in_content_are_made_plain_too() -> None:
    content = {"a\x1b": ["b\n", 1, None, {"\u202e": ("c\x9b",)}]}
    made = {"a\ufffd": ["b\ufffd", 1, None, {"\ufffd": ["c\ufffd"]}]}
    assert plain_content(content) == made


def test_what_joins_letters_in_some_scripts_is_plain() -> None:
    assert is_plain("\u0645\u06cc\u200c\u062e")
