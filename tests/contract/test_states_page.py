# SPDX-License-Identifier: Apache-2.0
"""doc/states.md is what tools/draw_states.py draws from the table."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_as_the_table() -> None:
    drawn = runpy.run_path(str(ROOT / "tools" / "draw_states.py"))["draw"]()
    assert (ROOT / "doc" / "states.md").read_text() == drawn, (
        "run tools/draw_states.py > doc/states.md"
    )
