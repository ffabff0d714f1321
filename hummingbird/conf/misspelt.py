# SPDX-License-Identifier: Apache-2.0
"""Finds what a configuration file says that nobody reads: a misspelt option or section.

oslo.config leaves those out without a word, as one file may serve several programs. The
groups of libraries are left out here too: their options are known once a library is used.
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg
from oslo_log import _options as log_options

from hummingbird.conf.opts import list_opts

LIBRARIES: Final = (
    "oslo_",
    "keystone",
    "service_token",
    "cors",
    "healthcheck",
    "profiler",
)
"""How the names of groups begin that libraries read."""
OF_LIBRARIES: Final = frozenset(
    {
        *("transport_url", "control_exchange", "executor_thread_pool_size"),
        *("rpc_response_timeout", "rpc_ping_enabled", "config_file", "config_dir"),
        *("config_source", "graceful_shutdown_timeout", "log_options"),
    }
)
"""What they read in [DEFAULT]."""
_MOST: Final = 20


def misspelt(conf: Any) -> list[str]:
    """Return a sentence for each section and option of the files that `conf` was read
    from and that is nobody's; never its value, which may be a secret."""
    known = _known()
    found = [
        sentence
        for file in _files(conf)
        for sentence in _of_file(file, _parsed(file), known)
    ]
    return found[:_MOST]


def _files(conf: Any) -> list[str]:
    folders = [Path(name) for name in conf.config_dir or ()]
    inside = [str(file) for folder in folders for file in sorted(folder.glob("*.conf"))]
    return [*(conf.config_file or ()), *inside]


def _parsed(file: str) -> Mapping[str, Mapping[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    cfg.ConfigParser(file, sections).parse()
    return sections


def _known() -> dict[str, frozenset[str]]:
    """Return the options' names, the former ones too, by their groups."""
    found: dict[str, set[str]] = {"DEFAULT": set(OF_LIBRARIES)}
    options = [(group, option) for group, some in list_opts() for option in some]
    options += [
        ("DEFAULT", option) for _, some in log_options.list_opts() for option in some
    ]
    for group, option in options:
        found.setdefault(group, set()).update((option.name, option.dest))
        for former in option.deprecated_opts:
            place = found.setdefault(former.group or group, set())
            place.add(former.name or option.dest)
    return {group: frozenset(names) for group, names in found.items()}


def _of_file(
    file: str,
    sections: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, frozenset[str]],
) -> Iterator[str]:
    for section, options in sections.items():
        if section not in known:
            if not section.startswith(LIBRARIES):
                near = _nearest(section, known)
                yield f"{file}: nobody reads [{section}]{near and f'; is it [{near}]?'}"
            continue
        for option in options:
            if option not in known[section]:
                near = _nearest(option, known[section])
                yield (
                    f"{file}: nobody reads [{section}]{option}"
                    f"{near and f'; is it [{section}]{near}?'}"
                )


def _nearest(word: str, words: Any) -> str:
    return next(iter(difflib.get_close_matches(word, sorted(words), n=1)), "")
