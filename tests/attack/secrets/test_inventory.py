# SPDX-License-Identifier: Apache-2.0
"""The table of secrets has every option, column and file with one, and the page has the table."""

import re
from pathlib import Path

from hummingbird.conf import new
from hummingbird.db.model import METADATA
from tests.attack.secrets.kept import KEPT

PAGE = Path(__file__).resolve().parents[3] / "doc" / "security.md"
NAMES_ONE = re.compile(r"password|token_file|key_file|kubeconfig|secret")
"""Options that hold a secret, or the name of a file with one, by their names."""
PUBLIC = {"[provisioning]package_repository_key_file"}
"""Options whose names sound so: that is a public key."""


def test_every_option_with_a_secret_is_in_the_table() -> None:
    known = {option for one in KEPT for option in one.options}
    conf = new()
    found = {
        f"[{group}]{option.name}"
        for group in conf._groups
        for option in (known["opt"] for known in conf._groups[group]._opts.values())
        if option.secret or NAMES_ONE.search(option.name)
    }
    assert len(found) > 6
    assert found - PUBLIC - known == set()


def test_every_sealed_column_is_in_the_table() -> None:
    known = {column for one in KEPT for column in one.columns}
    tables = METADATA.tables
    sealed = {
        f"{name}.{column.name}"
        for name, table in tables.items()
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert len(sealed) > 4
    assert sealed - known == set()
    for column in known:
        table, _, name = column.partition(".")
        assert name in tables[table].columns, column


def test_the_page_has_the_table() -> None:
    """Each secret with its homes and no others."""
    part = PAGE.read_text().partition("\n## Secrets\n")[2].partition("\n## ")[0]
    rows = {}
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and not cells[0].startswith(("secret", "-")):
            rows[cells[0]] = (cells[1], cells[2])
    assert rows == {
        one.name: (
            "; ".join(one.homes) or "none",
            ", ".join(f"`{each}`" for each in (*one.columns, *one.options)),
        )
        for one in KEPT
    }
