# SPDX-License-Identifier: Apache-2.0
"""What a host's task says of a failed run."""

from hummingbird.conductor.ending import failure_text
from hummingbird.domain.host import TASK_MAX


def test_a_short_text_is_told_whole() -> None:
    assert (
        failure_text("Unlocking failed: x", hostname="edge-0") == "Unlocking failed: x"
    )


def test_a_cut_text_says_where_the_rest_is() -> None:
    text = failure_text("Unlocking failed: " + "why " * 40, hostname="edge-0")
    assert len(text) <= TASK_MAX
    assert text.startswith("Unlocking failed: why")
    assert text.endswith("… see run-show edge-0")


def test_a_long_name_leaves_room_for_the_reason() -> None:
    text = failure_text("Unlocking failed: " + "why " * 40, hostname="e" * 200)
    assert len(text) <= TASK_MAX
    assert text.endswith("… see run-show")
