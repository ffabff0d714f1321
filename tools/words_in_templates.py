# SPDX-License-Identifier: Apache-2.0
"""Says of one Jinja expression or template whether a host's word comes out of it, and
where a host's word chooses something on the controller. For tools/host_words.py.

A host's word passes through a filter as it is, unless the filter answers with something
of ours (LAUNDERED) or keeps to what stands left of it (KEEPS_LEFT). A comparison, a test
and a length are no words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import jinja2
from jinja2 import nodes

LOOKUPS = frozenset({"lookup", "query", "q"})

LAUNDERED = frozenset(
    {"bundled", "count", "length", "of_family", "package_tool", "serves"}
)
"""Filters whose result is ours whatever goes in (playbooks/filter_plugins, and numbers)."""

KEEPS_LEFT = frozenset({"difference", "intersect", "missing_from"})
"""Filters that leave some of what stands left of them; the rest only says which."""

CHOOSERS = frozenset(
    {"extract", "groupby", "map", "reject", "rejectattr", "select"}
) | {"selectattr"}
"""Filters whose arguments name a filter, a test, an attribute or a variable."""

READERS = frozenset({"expanduser", "expandvars", "fileglob", "realpath", "unvault"})
"""Filters that look at the controller's files or environment."""

PARSERS = frozenset({"from_yaml", "from_yaml_all"})
"""Filters in which a few bytes become any amount of memory."""

PATTERNS = frozenset({"match", "regex", "regex_findall", "regex_replace", "search"}) | {
    "regex_search"
}

FILE_TESTS = frozenset({"directory", "exists", "file", "link", "link_exists", "mount"})

OURS = frozenset(
    {
        *("ansible_check_mode", "ansible_connection", "ansible_host", "ansible_loop"),
        *("ansible_play_name", "ansible_port", "ansible_role_name", "ansible_user"),
        "ansible_version",
    }
)
"""Variables of Ansible's own that do not come from the host's answers."""

_REPEATS = re.compile(r"(?<!\\)[*+{?]")


@dataclass
class Words:
    """What is known of names: which hold a host's words, and what templates give."""

    names: set[str] = field(default_factory=set)
    templates: dict[str, str] = field(default_factory=dict)
    """Texts of the templates, by the name that a lookup uses."""

    def has(self, name: str) -> bool:
        """Say whether the variable `name` may hold what a host said."""
        if name in self.names or name in ("hostvars", "vars"):
            return True
        return name.startswith("ansible_") and name not in OURS


_ENVIRONMENT = jinja2.Environment(
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]
)


def tree(text: str, *, bare: bool = False) -> nodes.Template:
    """Return the parsed `text`; a bare one is an expression without braces.

    :raises jinja2.TemplateSyntaxError: it is not Jinja.
    """
    return _ENVIRONMENT.parse("{{ (" + text + ") }}" if bare else text)


def says(node: nodes.Node, words: Words, local: frozenset[str] = frozenset()) -> bool:
    """Say whether a host's word may come out of `node`."""
    return _Reader(words, local).says(node)


def choices(
    node: nodes.Node, words: Words, local: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield what a host's word would choose in `node`, each as a phrase."""
    yield from _Reader(words, local).choices(node)


class _Reader:
    def __init__(self, words: Words, local: frozenset[str]) -> None:
        self._words = words
        self._local = set(local)

    def says(self, node: nodes.Node) -> bool:
        """See `says`."""
        self._assign(node)
        return self._says(node)

    def choices(self, node: nodes.Node) -> Iterator[str]:
        """See `choices`."""
        self._assign(node)
        for each in [node, *node.find_all(nodes.Node)]:
            yield from self._choice(each)

    def _assign(self, node: nodes.Node) -> None:
        """Learn which names of the template's own hold a host's words."""
        grown = True
        while grown:
            before = len(self._local)
            for each in node.find_all(nodes.Assign):
                self._learn(each.target, each.node)
            for loop in node.find_all(nodes.For):
                self._learn(loop.target, loop.iter)
            grown = len(self._local) > before

    def _learn(self, target: nodes.Node, value: nodes.Node) -> None:
        if self._says(value):
            names = [target] if isinstance(target, nodes.Name) else []
            names += target.find_all(nodes.Name)
            self._local |= {name.name for name in names}

    def _says(self, node: nodes.Node | None) -> bool:
        match node:
            case None | nodes.Const() | nodes.TemplateData():
                return False
            case nodes.Name():
                return node.name in self._local or self._words.has(node.name)
            case nodes.Compare() | nodes.Test() | nodes.Not():
                return False
            case nodes.CondExpr():
                return self._says(node.expr1) or self._says(node.expr2)
            case nodes.Filter():
                return self._filtered(node)
            case nodes.Call() if _is_lookup(node):
                return self._looked_up(node)
            case _:
                return any(self._says(child) for child in node.iter_child_nodes())

    def _filtered(self, node: nodes.Filter) -> bool:
        name = node.name.removeprefix("ansible.builtin.")
        if name in LAUNDERED:
            return False
        if name in KEEPS_LEFT:
            return self._says(node.node)
        if name == "ternary":
            return any(map(self._says, node.args))
        if name == "map" and _text(node.args[:1]) == "ternary":
            return any(map(self._says, node.args[1:]))
        return any(self._says(child) for child in node.iter_child_nodes())

    def _looked_up(self, node: nodes.Call) -> bool:
        """What a lookup gives is ours, but for a template's and a variable's content."""
        name = (_text(node.args[:1]) or "").removeprefix("ansible.builtin.")
        if name == "vars":
            return any(self._words.has(_text([one]) or "vars") for one in node.args[1:])
        if name == "template":
            text = self._words.templates.get(_text(node.args[1:2]) or "")
            given = any(self._says(one.value) for one in node.kwargs)
            return given or text is None or self._says(tree(text))
        return False

    def _choice(self, node: nodes.Node) -> Iterator[str]:
        match node:
            case nodes.Call() if _is_lookup(node):
                if any(map(self._says, _given(node))):
                    yield "a lookup's argument"
            case nodes.Getitem():
                if self._says(node.arg):
                    yield "an entry, by its name"
            case nodes.Filter() | nodes.Test():
                yield from self._filter_choice(node)
            case (
                nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends()
            ):
                if self._says(node.template):
                    yield "a template"

    def _filter_choice(self, node: nodes.Filter | nodes.Test) -> Iterator[str]:
        name = node.name.removeprefix("ansible.builtin.")
        given = list(_given(node))
        if name in CHOOSERS:
            named = _text(node.args[:1])
            if any(map(self._says, given)):
                yield f"what {name} does"
            if named in PATTERNS and self._says(node.node):
                yield from self._pattern(named, node.args[1:])
            if self._says(node.node) and named in READERS | PARSERS | FILE_TESTS:
                yield f"what {named} looks at"
        elif name in READERS | PARSERS | FILE_TESTS and self._says(node.node):
            yield f"what {name} looks at"
        elif name in PATTERNS:
            if any(map(self._says, given)):
                yield "a pattern"
            elif self._says(node.node):
                yield from self._pattern(name, node.args)

    def _pattern(self, name: str, args: list[nodes.Expr]) -> Iterator[str]:
        pattern = _text(args[:1])
        if pattern is None or _REPEATS.search(pattern):
            yield f"how long {name} takes, by a pattern that repeats"


def _is_lookup(node: nodes.Call) -> bool:
    return isinstance(node.node, nodes.Name) and node.node.name in LOOKUPS


def _given(node: nodes.Call | nodes.Filter | nodes.Test) -> Iterator[nodes.Node]:
    yield from node.args
    yield from (one.value for one in node.kwargs)
    yield from (one for one in (node.dyn_args, node.dyn_kwargs) if one is not None)


def _text(some: list[nodes.Expr]) -> str | None:
    """Return the first of `some` where it is a text that stands there."""
    first = some[0] if some else None
    if isinstance(first, nodes.Const) and isinstance(first.value, str):
        return first.value.removeprefix("ansible.builtin.")
    return None
