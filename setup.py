# SPDX-License-Identifier: Apache-2.0
"""Adds to setup.cfg what it can't say: the trees that are installed as data.

The playbooks and charts live at the top of the source tree, where people look for them,
and go to share/hummingbird of an installation (hummingbird/conf/share.py finds either).
"""

from collections import defaultdict
from pathlib import Path

from setuptools import find_packages, setup

TREES = ("playbooks", "charts")


def data_files() -> list[tuple[str, list[str]]]:
    """Return (folder, files) for every folder of TREES."""
    folders: dict[str, list[str]] = defaultdict(list)
    for tree in TREES:
        for path in sorted(Path(tree).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                folders[f"share/hummingbird/{path.parent}"].append(str(path))
    return sorted(folders.items())


setup(
    packages=find_packages(include=["hummingbird", "hummingbird.*"]),
    package_data={"hummingbird.db.migrations": ["*.mako"]},
    data_files=data_files(),
)
