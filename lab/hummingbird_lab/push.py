# SPDX-License-Identifier: Apache-2.0
"""Copy OCI archives into a registry (OCI distribution-spec 1.1, pull and push).

Run as a program of its own in the controller's network:
`python -m hummingbird_lab.push CA HOST:PORT ARCHIVE NAME:TAG [ARCHIVE NAME:TAG …]`.
"""

import http.client
import json
import ssl
import sys
import tarfile
import urllib.parse
from pathlib import Path
from typing import Any

from hummingbird_lab.errors import LabError


class Registry:
    """One registry, spoken to over one TLS connection."""

    def __init__(self, address: str, *, authority: Path) -> None:
        self._connection = http.client.HTTPSConnection(
            address,
            timeout=60,
            context=ssl.create_default_context(cafile=str(authority)),
        )

    def _ask(
        self, method: str, path: str, *, body: bytes | None = None, kind: str = ""
    ) -> http.client.HTTPResponse:
        headers = {"Content-Type": kind} if kind else {}
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 400 and not (method == "HEAD" and answer.status == 404):
            raise LabError(f"registry: {method} {path}: {answer.status} {said[:300]!r}")
        return answer

    def _put(self, name: str, descriptor: dict[str, Any], data: bytes) -> None:
        """Upload a blob unless the registry has it."""
        digest = descriptor["digest"]
        if self._ask("HEAD", f"/v2/{name}/blobs/{digest}").status == 200:
            return
        begun = self._ask("POST", f"/v2/{name}/blobs/uploads/")
        place = urllib.parse.urlsplit(begun.getheader("Location", ""))
        query = f"{place.query}&" if place.query else ""
        self._ask(
            "PUT",
            f"{place.path}?{query}digest={digest}",
            body=data,
            kind="application/octet-stream",
        )

    def push(self, archive: Path, reference: str) -> str:
        """Push the first image of an archive as NAME:TAG; return its digest."""
        name, _, tag = reference.rpartition(":")
        with tarfile.open(archive) as tar:

            def read(member: str) -> bytes:
                file = tar.extractfile(member)
                if file is None:
                    raise LabError(f"{archive}: {member} is no file")
                return file.read()

            def blob(descriptor: dict[str, Any]) -> bytes:
                return read("blobs/" + descriptor["digest"].replace(":", "/"))

            descriptor = json.loads(read("index.json"))["manifests"][0]
            raw = blob(descriptor)
            manifest = json.loads(raw)
            for part in (manifest["config"], *manifest["layers"]):
                self._put(name, part, blob(part))
        path = f"/v2/{name}/manifests/{tag}"
        self._ask("PUT", path, body=raw, kind=descriptor["mediaType"])
        return str(descriptor["digest"])


def main() -> int:
    """Push what the command line names; print name and digest of each."""
    authority, address, *pairs = sys.argv[1:]
    registry = Registry(address, authority=Path(authority))
    try:
        for archive, reference in zip(pairs[::2], pairs[1::2], strict=True):
            print(reference, registry.push(Path(archive), reference), flush=True)
    except (LabError, OSError, KeyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
