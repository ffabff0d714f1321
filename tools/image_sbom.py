# SPDX-License-Identifier: Apache-2.0
"""`image_sbom.py ARCHIVE NAME DIGEST FILE`: writes what an agent's image is made of, as
CycloneDX, from its OCI archive. Run by tools/sbom.sh, with the tools of
constraints-release.txt, where no syft is there.

It lists the packages that Debian's package manager knows in there, the Python that the
base says it has, and our sources. What somebody copied into the base by hand it does not
see.
"""

import json
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

STATUS = ("var/lib/dpkg/status", "var/lib/dpkg/status.d/")
VERSION = "org.opencontainers.image.version"


class Image:
    """An OCI archive, and what of its files is asked for."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as tar:

            def blob(digest: str) -> bytes:
                file = tar.extractfile("blobs/" + digest.replace(":", "/"))
                assert file is not None, digest
                return file.read()

            index = tar.extractfile("index.json")
            assert index is not None, archive
            (first,) = json.load(index)["manifests"]
            manifest = json.loads(blob(first["digest"]))
            self.config: Mapping[str, Any] = json.loads(
                blob(manifest["config"]["digest"])
            )["config"]
            names = [
                "blobs/" + layer["digest"].replace(":", "/")
                for layer in manifest["layers"]
            ]
            self.status: dict[str, str] = {}
            for name in names:
                self._look(tar, name)

    def _look(self, archive: tarfile.TarFile, name: str) -> None:
        """Keep what the layer `name` says of packages; a later one goes over it."""
        raw = archive.extractfile(name)
        assert raw is not None, name
        with tarfile.open(fileobj=raw, mode="r:*") as layer:
            for member in layer:
                path = member.name.removeprefix("./")
                if member.isfile() and path.startswith(STATUS):
                    file = layer.extractfile(member)
                    assert file is not None, path
                    self.status[path] = file.read().decode(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        """What the image sets."""
        lines = (line.partition("=") for line in self.config.get("Env") or ())
        return {name: value for name, _, value in lines}


def debs(image: Image) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and architecture of each package that is installed."""
    for text in image.status.values():
        for paragraph in text.split("\n\n"):
            fields = dict(
                line.split(": ", 1) for line in paragraph.splitlines() if ": " in line
            )
            # A list of single packages, as slim bases have it, says no status.
            status = fields.get("Status", "install ok installed")
            if "Version" in fields and status.endswith(" installed"):
                yield (
                    fields["Package"],
                    fields["Version"],
                    fields.get("Architecture", "all"),
                )


def bom(image: Image, *, name: str, digest: str) -> Bom:
    """Return the list."""
    labels = image.config.get("Labels") or {}
    version = str(labels.get(VERSION, "unknown"))
    made = Bom()
    made.metadata.component = Component(
        name=name,
        version=version,
        type=ComponentType.CONTAINER,
        bom_ref=f"{name}@{digest}",
        purl=PackageURL("oci", name=name.rpartition("/")[2], version=digest),
    )
    for package, of, architecture in debs(image):
        purl = PackageURL(
            "deb",
            "debian",
            package,
            of,
            qualifiers={"arch": architecture},
        )
        made.components.add(
            Component(
                name=package,
                version=of,
                type=ComponentType.LIBRARY,
                bom_ref=purl.to_string(),
                purl=purl,
            )
        )
    programs = {"hummingbird": version}
    if "PYTHON_VERSION" in image.environment:
        programs["python"] = image.environment["PYTHON_VERSION"]
    for program, number in programs.items():
        made.components.add(
            Component(
                name=program,
                version=number,
                type=ComponentType.APPLICATION,
                bom_ref=f"{program}@{number}",
                purl=PackageURL("generic", name=program, version=number),
            )
        )
    made.register_dependency(made.metadata.component, made.components)
    return made


def main() -> None:
    """Write the list of the image that the command line names."""
    archive, name, digest, out = sys.argv[1:]
    made = bom(Image(Path(archive)), name=name, digest=digest)
    Path(out).write_text(JsonV1Dot6(made).output_as_string(indent=2))


if __name__ == "__main__":
    main()
