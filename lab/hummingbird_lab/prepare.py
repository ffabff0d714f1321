# SPDX-License-Identifier: Apache-2.0
"""Everything that a lab needs on this machine, made or installed once.

Seen on 2 cores: about 9 min on a new machine, nearly all of it the build of
Kubernetes; under 0.1 s when everything is there.
"""

from pathlib import Path

from hummingbird_lab import (
    agent_image,
    binaries,
    image,
    repository,
    requirements,
    rootfs,
)
from hummingbird_lab.cache import Say


def prepare(*, kubernetes: bool, images: bool, say: Say) -> dict[str, Path]:
    """Install what is missing and fill the cache; `say` is told of each step.

    Returns the archives of the images that a lab's registry is to have, by name.

    :raises LabError: a step failed; what was made before stays.
    """
    needed = [*requirements.ALWAYS]
    if kubernetes:
        needed += requirements.FOR_KUBERNETES
    if images:
        needed += requirements.FOR_IMAGES
    requirements.install(needed, say=say)
    requirements.raise_limits(say=say)
    rootfs.make(say=say)
    if kubernetes:
        binaries.make(say=say)
        repository.make(say=say)
        image.make(say=say)
    archives = image.archives() if kubernetes else {}
    if images:
        archives |= agent_image.make(say=say)
    return archives
