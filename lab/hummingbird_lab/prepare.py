# SPDX-License-Identifier: Apache-2.0
"""Everything that a lab needs on this machine, made or installed once."""

from hummingbird_lab import rootfs
from hummingbird_lab.cache import Say


def prepare(*, kubernetes: bool, images: bool, say: Say) -> None:
    """Install what is missing and fill the cache; seconds if nothing is missing."""
    rootfs.make(say=say)
