# SPDX-License-Identifier: Apache-2.0
"""The product's agent images, built without the internet.

The base is a small Debian tree with Python, made once from the machine's own package
sources.  The project's `tools/build_images.sh` does the build; it is told the base by
`HUMMINGBIRD_IMAGE_BASE` (a tar archive of a root file system) and the folder for its
results by `HUMMINGBIRD_IMAGE_OUT`, and leaves `NAME.tar` there, an OCI archive, for
each agent.  Both results are cached by the hash of what they are made from.
"""

import json
import os
import tarfile
from pathlib import Path

from hummingbird_lab import cache, rootfs
from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError

AGENTS = ("mtc-client", "sysinv-agent")
VERSION = "0.1.0"
PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = PROJECT / "tools" / "build_images.sh"
_BASE_PACKAGES = ("base-files", "dash", "libpython3.11-stdlib", "python3-minimal")
# Unpacked only, not set up: no shell runs, and what dpkg and apt would need stays out.
# 58 MB instead of 167. What was unpacked is written down where scanners of images look.
_BASE_HOOK = """\
cd "$1"
mkdir -p var/lib/dpkg/status.d
for deb in var/cache/apt/archives/*.deb; do
    dpkg-deb --field "$deb" >"var/lib/dpkg/status.d/$(dpkg-deb --field "$deb" Package)"
done
rm -rf var/lib/apt var/cache/apt usr/share/doc usr/share/locale usr/share/man
echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
echo 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' >>etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\n' >etc/group
"""


def base_path() -> Path:
    """Return the base's archive, made already or not."""
    inputs: list[cache.Input] = [rootfs.SUITE, Path(__file__).read_bytes()]
    return cache.entry("image-base", inputs) / "base.tar"


def make_base(*, say: cache.Say) -> Path:
    """Return the base's archive, made in about 10 s if the cache has none."""

    def build(folder: Path) -> None:
        run(
            [
                "mmdebstrap",
                "--quiet",
                "--mode=root",
                "--variant=extract",
                f"--include={','.join(_BASE_PACKAGES)}",
                f"--extract-hook={_BASE_HOOK}",
                "--skip=output/dev",
                rootfs.SUITE,
                folder / "base.tar",
                rootfs.sources(),
            ]
        )

    what = "the base of the agents' images"
    return cache.make(base_path().parent, build, say=say, what=what) / "base.tar"


def path() -> Path:
    """Return the folder of the agents' archives, made already or not.

    :raises LabError: this is no checkout of the product.
    """
    if not SCRIPT.is_file():
        raise LabError(f"there is no {SCRIPT}, which builds the agents' images")
    sources = [PROJECT / "agents", PROJECT / "hummingbird" / "wire", SCRIPT]
    inputs: list[cache.Input] = [VERSION, base_path().parent.name]
    inputs += [source for source in sources if source.exists()]
    return cache.entry("agent-images", inputs)


def names() -> dict[str, str]:
    """Return what the agents' images are called in the lab's registry, by agent."""
    return {agent: f"hummingbird/{agent}:{VERSION}" for agent in AGENTS}


def digests() -> dict[str, str]:
    """Return the digests of the images by agent, as a registry will know them; empty where
    none are made."""
    return digests_in(path())


def digests_in(folder: Path) -> dict[str, str]:
    """Return the digests of the images in a folder of archives, by agent."""
    found = {}
    for agent in AGENTS:
        archive = folder / f"{agent}.tar"
        if not archive.is_file():
            return {}
        with tarfile.open(archive) as tar:
            index = tar.extractfile("index.json")
            assert index is not None, archive
            (manifest,) = json.load(index)["manifests"]
        found[agent] = str(manifest["digest"])
    return found


def make(*, say: cache.Say) -> dict[str, Path]:
    """Return the archives by names, built in about 20 s if they are not up to date."""
    base = make_base(say=say)

    def build(folder: Path) -> None:
        run(
            [SCRIPT],
            cwd=PROJECT,
            env=dict(os.environ)
            | {
                "HUMMINGBIRD_IMAGE_BASE": str(base),
                "HUMMINGBIRD_IMAGE_OUT": str(folder),
            },
        )
        for agent in AGENTS:
            if not (folder / f"{agent}.tar").is_file():
                raise LabError(f"{SCRIPT} did not leave {agent}.tar")

    # The sources may change while this builds, and the path with them.
    made = cache.make(path(), build, say=say, what="the agents' images")
    return {name: made / f"{agent}.tar" for agent, name in names().items()}
