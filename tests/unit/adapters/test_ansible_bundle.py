# SPDX-License-Identifier: Apache-2.0
"""Which programs of a bundle may go to hosts."""

import hashlib
from pathlib import Path

import pytest

from hummingbird.adapters.ansible.bundle import check
from hummingbird.errors.tunnel import BundleDoubtful

AS_IT_WAS = b"as it was"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with one program for one processor, and its digest."""
    folder = tmp_path / "bundle"
    bring(folder / "aarch64" / "wg", AS_IT_WAS)
    digest = hashlib.sha256(AS_IT_WAS).hexdigest()
    bring(folder / "SHA256SUMS", f"{digest}  ./aarch64/wg\n{digest} *wg\n".encode())
    folder.chmod(0o755)
    return folder


def bring(file: Path, content: bytes) -> None:
    """Write a file as it should be, whatever the umask is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(0o755)
    file.write_bytes(content)
    file.chmod(0o755)


def test_programs_with_their_digests_may_go(bundle: Path) -> None:
    check(str(bundle))
    bring(bundle / "wg", AS_IT_WAS)
    check(str(bundle))


def test_without_digests_what_is_the_owners_may_go(bundle: Path) -> None:
    (bundle / "SHA256SUMS").unlink()
    bring(bundle / "aarch64" / "wg", b"as somebody likes it")
    check(str(bundle))


@pytest.mark.parametrize("nothing", ["", "/nonexistent"])
def test_no_bundle_is_no_doubt(nothing: str) -> None:
    check(nothing)


def test_a_program_of_another_digest_goes_to_no_host(bundle: Path) -> None:
    bring(bundle / "aarch64" / "wg", b"as somebody likes it")
    with pytest.raises(BundleDoubtful, match="not the one whose digest"):
        check(str(bundle))


@pytest.mark.parametrize("name", ["wireguard-go", "x86_64/wireguard-go"])
def test_a_program_without_a_digest_goes_to_no_host(bundle: Path, name: str) -> None:
    bring(bundle / name, AS_IT_WAS)
    with pytest.raises(BundleDoubtful, match=f"no digest of {name}"):
        check(str(bundle))


@pytest.mark.parametrize("mode", [0o775, 0o757])
@pytest.mark.parametrize("loose", ["", "aarch64", "aarch64/wg", "SHA256SUMS"])
def test_what_others_may_write_to_goes_to_no_host(
    bundle: Path, loose: str, mode: int
) -> None:
    (bundle / loose).chmod(mode)
    with pytest.raises(BundleDoubtful, match="chmod go-w"):
        check(str(bundle))
