# SPDX-License-Identifier: Apache-2.0
"""How a run's events come out of it: a line of JSON each, through a pipe.

ansible-runner's display plugin hands an event over as a file, whose name it prints. Who would
read it opens a path that is made of the run's words, in a folder that the run writes. Here the
plugin, which sees Ansible's events, writes the whole of each to a descriptor that the run's
program was given. What comes out is a stranger's word: `events` bounds it and takes none that
is not a mapping.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "HUMMINGBIRD_EVENTS"
"""Names the descriptor, in the environment of the run's program alone."""

PLUGIN: Final = "awx_display"
"""ansible-runner's."""

LINE_BYTES: Final = 8 << 20
"""Of an event. The plugin leaves results of more than 700 000 characters away, each of which
takes up to six in JSON; the rest of an event is names."""


def plugin_folder() -> Path:
    """Return where ansible-runner's display plugin is."""
    spec = importlib.util.find_spec("ansible_runner")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("ansible-runner is not installed")
    return Path(spec.submodule_search_locations[0]) / "display_callback" / "callback"


class TooLong(Exception):
    """A line has no end."""


class Lines:
    """What came so far of a stream of events."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def events(self, chunk: bytes) -> Iterator[Mapping[str, Any]]:
        """Yield the events that `chunk` completes.

        :raises TooLong: the run writes no events.
        """
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._rest += line
            whole, self._rest = bytes(self._rest), bytearray()
            try:
                event = json.loads(whole)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                yield event
        self._rest += rest
        if len(self._rest) > LINE_BYTES:
            raise TooLong


def descriptor() -> int:
    """Return the one that this program was given; what it starts does not get it."""
    given = int(os.environ.pop(VARIABLE))
    os.set_inheritable(given, False)
    return given


def install(given: int) -> None:
    """Have this process's Ansible write its events there.

    :raises RuntimeError: the plugin is not as it is known here.
    """
    from ansible.plugins.loader import callback_loader

    found = callback_loader.get(PLUGIN, class_only=True)
    module = sys.modules.get(getattr(found, "__module__", ""))
    context = getattr(module, "event_context", None)
    encoder = getattr(module, "AnsibleJSONEncoderLocal", None)
    known = ("get_begin_dict", "dump_begin", "dump_end", "display_lock")
    if encoder is None or not all(hasattr(context, name) for name in known):
        raise RuntimeError("This ansible-runner tells events in a way of its own.")
    assert context is not None

    def begin(_: object) -> None:
        line = json.dumps(context.get_begin_dict(), cls=encoder).encode() + b"\n"
        with context.display_lock:
            while line:
                line = line[os.write(given, line) :]

    context.dump_begin = begin
    context.dump_end = lambda _: None
