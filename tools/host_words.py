# SPDX-License-Identifier: Apache-2.0
"""Finds in the playbooks where a host's word chooses something on the controller:
`python tools/host_words.py [FOLDER]`. tests/contract/test_host_words.py runs it.

A host's word is whatever a task registers, every fact, and all that is made of them by
the names of variables; which of several definitions holds is not followed, one is enough.
It may go back to the host and into a sentence for people. It may be no path here, no
argument of a lookup, file of variables or tasks, name of a role, module, variable or
filter, delegate, connection, length of a loop or of a wait. Plugins, which run on the
controller, may use only what PLUGIN_IMPORTS names. What is not known here is found too.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2
import yaml
from words_in_templates import Words, choices, says, tree

PLAYBOOKS = Path(__file__).resolve().parent.parent / "playbooks"

ON_THE_HOST: Final = frozenset(
    {"apt", "command", "file", "raw", "reboot", "systemd_service"}
)
"""Ansible's own that only act on the host, whatever their arguments are; beside library/."""

HERE: Final[Mapping[str, frozenset[str] | None]] = {
    "assemble": frozenset({"src"}),
    "add_host": None,
    "assert": frozenset(),
    "copy": frozenset({"src"}),
    "debug": frozenset({"var"}),
    "fail": frozenset(),
    "group_by": None,
    "import_playbook": None,
    "import_role": None,
    "import_tasks": None,
    "include_role": None,
    "include_tasks": None,
    "include_vars": None,
    "meta": None,
    "package": frozenset({"use"}),
    "patch": frozenset({"src"}),
    "script": None,
    "service": frozenset({"use"}),
    "set_fact": frozenset(),
    "set_stats": frozenset({"per_host", "aggregate"}),
    "template": frozenset({"src"}),
    "unarchive": frozenset({"src"}),
}
"""Those that do something on the controller, and which arguments say what; None: all."""

FREE: Final = frozenset(
    {
        *("args", "block", "rescue", "always", "vars", "register", "name", "tags"),
        *("when", "changed_when", "failed_when", "until", "environment", "no_log"),
        *("tasks", "pre_tasks", "post_tasks", "handlers", "roles"),
    }
)
"""Keywords that choose nothing on the controller, or are looked at by themselves."""

CONDITIONS: Final = frozenset({"when", "changed_when", "failed_when", "until", "that"})
"""Expressions without braces."""

KEYWORDS: Final = FREE | {
    *("any_errors_fatal", "async", "become", "become_exe", "become_flags"),
    *("become_method", "become_user", "check_mode", "collections", "connection"),
    *("delay", "delegate_facts", "delegate_to", "diff", "gather_facts", "hosts"),
    *("ignore_errors", "ignore_unreachable", "listen", "loop", "loop_control"),
    *("module_defaults", "notify", "poll", "port", "remote_user", "retries", "role"),
    *("run_once", "serial", "strategy", "throttle", "timeout", "vars_files"),
}

PLUGIN_IMPORTS: Final[Mapping[str, frozenset[str]]] = {
    "filter_plugins/host_word.py": frozenset(
        {"ansible.errors", "collections.abc", "pathlib"}
    ),
    "filter_plugins/package_wish.py": frozenset({"ansible.errors"}),
}
"""What each plugin may import. Of a path it may only ask whether it is a file."""

_FORBIDDEN = frozenset({"__import__", "compile", "eval", "exec", "globals", "open"}) | {
    *("exists", "expanduser", "glob", "iterdir", "read_bytes", "read_text"),
    *("resolve", "rglob", "write_bytes", "write_text"),
}


@dataclass(frozen=True)
class Found:
    """One place where a host's word would choose something."""

    path: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.where}: {self.what}"


@dataclass(frozen=True)
class _Part:
    """A mapping of a YAML file that has a task, a play or a role in it."""

    path: str
    content: Mapping[str, Any]

    @property
    def where(self) -> str:
        return str(self.content.get("name") or self.content.get("role") or "?")


def _folder_of_variables(path: Path) -> bool:
    return bool({"vars", "defaults", "group_vars", "host_vars"} & set(path.parts[:-1]))


def _parts(path: str, content: object) -> Iterator[_Part]:
    """Yield every mapping of plays, blocks, tasks and roles, outer ones first."""
    for each in content if isinstance(content, list) else ():
        if isinstance(each, str):
            each = {"role": each}
        yield _Part(path, each)
        for inner in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            yield from _parts(path, each.get(inner))
        yield from _parts(path, each.get("handlers"))
        yield from _parts(path, each.get("roles"))


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value, names of entries too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(name)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


class Playbooks:
    """A folder of playbooks, read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[_Part] = []
        self._definitions: list[tuple[str, object]] = []
        self._unread: list[Found] = []
        self._words = Words()
        self._modules = {path.stem for path in folder.glob("**/library/*.py")}
        for path in sorted(folder.rglob("*.j2")):
            self._words.templates[path.name] = path.read_text(encoding="utf-8")
        for path in sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")]):
            self._read(path)
        self._learn()

    def _read(self, path: Path) -> None:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        shown = str(path.relative_to(self._folder))
        if path.name == "argument_specs.yml" or "meta" in path.parts:
            return
        if _folder_of_variables(path.relative_to(self._folder)):
            self._definitions += (content or {}).items()
            for text in _texts(content):
                self._parts.append(_Part(shown, {"name": "variables", "vars": text}))
            return
        if isinstance(content, list):
            self._parts += _parts(shown, content)
        elif content is not None and not path.name.startswith("."):
            self._unread.append(Found(shown, "?", "no list of plays or tasks"))

    def _learn(self) -> None:
        """Follow the words of hosts by the names of variables, until no more are found."""
        loops: list[tuple[str, object]] = []
        for part in self._parts:
            content = part.content
            if "register" in content:
                self._words.names.add(str(content["register"]))
            if isinstance(content.get("vars"), Mapping):
                self._definitions += content["vars"].items()
            for name in ("set_fact", "ansible.builtin.set_fact"):
                if isinstance(content.get(name), Mapping):
                    self._definitions += content[name].items()
            if "loop" in content:
                control = content.get("loop_control") or {}
                loops.append((str(control.get("loop_var", "item")), content["loop"]))
        grown = True
        while grown:
            before = len(self._words.names)
            for name, value in [*self._definitions, *loops]:
                if any(self._says(text) for text in _texts(value)):
                    self._words.names.add(str(name))
            grown = len(self._words.names) > before

    def _says(self, text: str, *, bare: bool = False) -> bool:
        return says(tree(text, bare=bare), self._words)

    def findings(self) -> Iterator[Found]:
        """Yield every place where a host's word would choose something."""
        yield from self._unread
        for part in self._parts:
            yield from (Found(part.path, part.where, what) for what in self._of(part))
        for name, text in self._words.templates.items():
            yield from (
                Found(name, "template", f"chooses {what}")
                for what in choices(tree(text), self._words)
            )
        yield from self._plugins()

    def _of(self, part: _Part) -> Iterator[str]:
        try:
            yield from self._expressions(part.content)
        except jinja2.TemplateSyntaxError as error:
            yield f"is no Jinja that is understood here: {error}"
            return
        for name, value in part.content.items():
            module = name.removeprefix("ansible.builtin.")
            if module in HERE or module in ON_THE_HOST | self._modules:
                yield from self._module(module, value, part.content.get("args"))
            elif name.startswith("with_") or name in KEYWORDS - FREE:
                if any(self._says(text) for text in _texts(value)):
                    yield f"chooses {name}"
            elif name == "vars":
                yield from self._variables(value)
            elif name not in FREE:
                yield f"uses {name}, of which is not known what it does here"

    def _expressions(self, content: Mapping[str, Any]) -> Iterator[str]:
        for name, value in content.items():
            if name in ("block", "rescue", "always", "tasks", "handlers", "roles"):
                continue
            inner = value.get("that") if isinstance(value, Mapping) else None
            for text in _texts(inner if inner is not None else value):
                bare = name in CONDITIONS or inner is not None
                for what in choices(tree(text, bare=bare), self._words):
                    yield f"chooses {what}"

    def _module(self, name: str, value: object, more: object) -> Iterator[str]:
        if name not in HERE:
            return
        chosen = HERE[name]
        given = {**_arguments(value), **_arguments(more)}
        for argument, content in given.items():
            if self._says(argument):
                yield f"chooses the name of an argument of {name}"
            if chosen is not None and argument not in chosen and argument != "":
                continue
            if any(self._says(text) for text in _texts(content)):
                yield f"chooses {f'{argument} of {name}' if argument else name}"

    def _variables(self, value: object) -> Iterator[str]:
        for name, content in value.items() if isinstance(value, Mapping) else ():
            if self._says(name):
                yield "chooses the name of a variable"
            if name.startswith("ansible_") and any(map(self._says, _texts(content))):
                yield f"chooses {name}"

    def _plugins(self) -> Iterator[Found]:
        for path in sorted(self._folder.glob("**/*_plugins/*.py")):
            shown = str(path.relative_to(self._folder))
            allowed = PLUGIN_IMPORTS.get(shown, frozenset())
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for what in _reaches(node, allowed):
                    yield Found(shown, f"line {getattr(node, 'lineno', '?')}", what)


def _arguments(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else {"": value}


def _reaches(node: ast.AST, allowed: frozenset[str]) -> Iterator[str]:
    """Yield what a plugin's code would reach that it may not."""
    match node:
        case ast.Import():
            names = [one.name for one in node.names]
        case ast.ImportFrom():
            names = [node.module or "."]
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _FORBIDDEN:
            yield f"uses {name}"
            return
        case _:
            return
    yield from (f"imports {name}" for name in names if name not in allowed)


def main() -> int:
    """Print what is found; return 1 where that is anything."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PLAYBOOKS
    found = list(Playbooks(folder).findings())
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
