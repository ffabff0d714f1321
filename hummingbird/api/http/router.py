# SPDX-License-Identifier: Apache-2.0
"""Finds the handler of a request in the table of api/routes.py.

A path is walked element by element through a tree of dictionaries: nothing of a path
ever becomes an attribute's name.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from webob.exc import HTTPMethodNotAllowed, HTTPNotFound

from hummingbird.api.http.call import Call

Handler = Callable[[Call], Any]
"""Returns what the answer's JSON is made of, or None for an answer without a body."""

Route = tuple[str, str, Handler]
"""Method, path with {…} where any text may stand, handler."""


@dataclass
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    handlers: dict[str, Handler] = field(default_factory=dict)


class Router:
    """The table as a tree."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for method, path, handler in routes:
            node = self._root
            for element in _elements(path):
                if element.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.fixed.setdefault(element, _Node())
            if method in node.handlers:
                raise ValueError(f"two handlers of {method} {path}")
            node.handlers[method] = handler

    def find(self, method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
        """Return the handler, and the texts that stand where its route has {…}.

        :raises HTTPNotFound: no route has this path.
        :raises HTTPMethodNotAllowed: its routes have other methods.
        """
        node: _Node | None = self._root
        names: list[str] = []
        for element in _elements(path):
            assert node is not None
            if element in node.fixed:
                node = node.fixed[element]
            else:
                node = node.any
                names.append(element)
            if node is None or "\x00" in element:
                raise HTTPNotFound()
        assert node is not None
        if not node.handlers:
            raise HTTPNotFound()
        handler = node.handlers.get(method)
        if handler is None:
            raise HTTPMethodNotAllowed(allow=sorted(node.handlers))
        return handler, tuple(names)


def _elements(path: str) -> Sequence[str]:
    # sysinv's clients end some paths with a slash and begin some with two.
    return [element for element in path.split("/") if element]
