# SPDX-License-Identifier: Apache-2.0
"""Small container images from single files, as OCI archives (OCI image-spec 1.1).

Byte for byte the same for the same input.  `pause` holds every pod open; `busybox` is
for tests.
"""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hummingbird_lab import binaries, cache
from hummingbird_lab.errors import LabError

PAUSE = "pause:3.10.2"
"""The sandbox image that kubeadm 1.36 names."""
BUSYBOX = "library/busybox:1.36"

_FOLDERS = ("bin", "dev", "etc", "proc", "sys", "tmp", "var")
_APPLETS = (
    *("cat", "date", "echo", "env", "false", "grep", "hostname", "httpd", "id", "ip"),
    *("ls", "mkdir", "nc", "nslookup", "ping", "ps", "sh", "sleep", "true", "wget"),
)
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def _add(archive: tarfile.TarFile, name: str, data: bytes, *, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.size = mode, len(data)
    archive.addfile(member, io.BytesIO(data))


def _layer(files: Mapping[str, Path], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in _FOLDERS:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE
            member.mode = 0o1777 if name == "tmp" else 0o755
            archive.addfile(member)
        for name, source in sorted(files.items()):
            _add(archive, name, source.read_bytes(), mode=0o755)
        for name, target in sorted(links.items()):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return buffer.getvalue()


def write(
    archive: Path,
    *,
    files: Mapping[str, Path],
    links: Mapping[str, str],
    command: Sequence[str],
) -> None:
    """Write an archive of one layer whose entry point is `command`."""
    blobs: dict[str, bytes] = {}

    def blob(kind: str, data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    def document(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        return blob(kind, json.dumps(content, sort_keys=True).encode())

    layer = blob(_LAYER, _layer(files, links))
    config = document(
        _CONFIG,
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": list(command), "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        },
    )
    manifest = document(
        _MANIFEST,
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": config,
            "layers": [layer],
        },
    )
    index = {"schemaVersion": 2, "manifests": [manifest]}
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as out:
        _add(out, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}', mode=0o644)
        _add(out, "index.json", json.dumps(index).encode(), mode=0o644)
        for digest, data in sorted(blobs.items()):
            _add(out, f"blobs/sha256/{digest}", data, mode=0o644)


def path() -> Path:
    """Return the folder of the two archives, made already or not."""
    return cache.entry(
        "small-images", [Path(__file__).read_bytes(), binaries.path().name]
    )


def archives() -> dict[str, Path]:
    """Return the archives by the names that they have in the lab's registry."""
    return {PAUSE: path() / "pause.tar", BUSYBOX: path() / "busybox.tar"}


def make(*, say: cache.Say) -> Path:
    """Return the folder of the two archives, made if the cache has none."""
    return cache.make(path(), _build, say=say, what="the pause and busybox images")


def _build(folder: Path) -> None:
    write(
        folder / "pause.tar",
        files={"pause": binaries.path() / "pause"},
        links={},
        command=["/pause"],
    )
    busybox = shutil.which("busybox")
    if busybox is None:
        raise LabError("busybox is not installed; hummingbird-lab prepare installs it")
    write(
        folder / "busybox.tar",
        files={"bin/busybox": Path(busybox)},
        links={f"bin/{name}": "busybox" for name in _APPLETS},
        command=["/bin/sh"],
    )
