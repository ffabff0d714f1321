# SPDX-License-Identifier: Apache-2.0
"""ansible-playbook, with modules that are packed once, hosts that are heard out within
bounds (bound.py), and passwords that ssh is given (password.py).

A program of its own, started by guard.py:

    python -P -m hummingbird.adapters.ansible.program --packed FOLDER --own FOLDER \\
        LAYERS... [--port PORT] [--reads PATH]... [--writes PATH]... -- ARGUMENTS...

First of all it confines itself (confine.py) to those paths, that port of hosts and what
programs need. Ansible's cache of packed modules is the run's OWN folder, in which links lead
to what is PACKED already (modules.py).
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible import bound, channel, confine, modules, password

_CACHE: Final = "ansiballz_cache"
"""Its name below DEFAULT_LOCAL_TMP (ansible/executor/module_common.py). Were it another one,
runs would cost more and nothing else."""

_DESCRIPTORS: Final = 1024
"""More than whoever starts us has open that would come along."""

_FOLDER_VARIABLES: Final = ("tunnel_bundle",)
"""Variables of playbooks that name a folder of the controller."""


def read_by(variables: Mapping[str, object]) -> list[Path]:
    """Return the folders of the controller that a playbook is told to take files from."""
    given = (variables.get(name) for name in _FOLDER_VARIABLES)
    return [Path(each) for each in given if isinstance(each, str) and each]


def command(
    *,
    packed: Path,
    own: Path,
    layers: confine.Layers,
    port: int,
    reads: Iterable[Path],
    writes: Iterable[Path],
) -> list[str]:
    """Return what starts this program; Ansible's own arguments come behind it."""
    return [
        *(sys.executable, "-P", "-m", __name__, f"--packed={packed}", f"--own={own}"),
        *confine.arguments(layers),
        f"--port={port}",
        *(f"--reads={path}" for path in reads),
        *(f"--writes={path}" for path in writes),
        "--",
    ]


def main() -> None:
    """Be ansible-playbook."""
    # Nothing else comes along that whoever started us has open.
    events = channel.descriptor()
    os.closerange(3, events)
    os.closerange(max(3, events + 1), max(_DESCRIPTORS, events + 1))
    end = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--own", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--reads", type=Path, action="append", default=[])
    parser.add_argument("--writes", type=Path, action="append", default=[])
    confine.add_options(parser)
    given = parser.parse_args(sys.argv[1:end])
    arguments = sys.argv[end + 1 :]
    modules.link(given.packed, given.own)
    confine.enter(
        confine.given(given),
        reads=[given.packed, *given.reads],
        writes=[given.own, *given.writes],
        port=given.port,
    )
    # Not at the top: the conductor takes a function from here, and no Ansible.
    from ansible import constants
    from ansible.cli import playbook

    scratch = Path(constants.DEFAULT_LOCAL_TMP)
    (scratch / _CACHE).symlink_to(given.own)
    password.install(scratch)
    bound.install(bound.Meter())
    channel.install(events)
    sys.argv = [str(scratch / "ansible-playbook"), *arguments]
    playbook.main()


if __name__ == "__main__":
    main()
