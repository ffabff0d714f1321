# SPDX-License-Identifier: Apache-2.0
"""Which file says where the cluster is, and whether it can be read at all.

Cheap enough for a start: the client's own modules, half a second of imports, are not loaded.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from hummingbird.errors import KubeconfigUnusable


def files(given: str | Path | None, environ: Mapping[str, str]) -> list[Path]:
    """Return the files that are looked at: the one given, else those of KUBECONFIG
    (several, as kubectl takes them), else ~/.kube/config."""
    if given:
        return [Path(given).expanduser()]
    named = [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return [Path(name).expanduser() for name in named or ["~/.kube/config"]]


def check(given: str | Path | None, environ: Mapping[str, str] | None = None) -> None:
    """Return if there is a kubeconfig that can be read and names a cluster.

    :raises KubeconfigUnusable: there is none; says which file was looked at.
    """
    looked_at = files(given, os.environ if environ is None else environ)
    found = [path for path in looked_at if path.exists()]
    if not found:
        path = ", ".join(str(one) for one in looked_at)
        raise KubeconfigUnusable(path=path, message="does not exist")
    if not any([_has_a_cluster(path) for path in found]):
        path = ", ".join(str(one) for one in found)
        raise KubeconfigUnusable(path=path, message="names no cluster")


def _has_a_cluster(path: Path) -> bool:
    import yaml

    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise KubeconfigUnusable(
            path=path, message=f"can't be read ({error.strerror})"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        # Its lines may hold a token: only where it breaks is told.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise KubeconfigUnusable(path=path, message=f"is no YAML{where}") from error
    if content is None:
        return False
    if not isinstance(content, dict):
        raise KubeconfigUnusable(path=path, message="is no kubeconfig")
    return bool(content.get("clusters"))
