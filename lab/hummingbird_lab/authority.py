# SPDX-License-Identifier: Apache-2.0
"""The lab's certificate authority, made with each lab: `tls/ca.crt` and its key."""

from collections.abc import Sequence
from pathlib import Path

from hummingbird_lab.command import run

_DAYS = "30"
_EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """Signs server certificates.  Files are `NAME.crt` and `NAME.key` (mode 0600)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.crt"

    def make(self) -> None:
        """Make the authority itself."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        run(
            [
                "openssl",
                "req",
                "-x509",
                *_EC_KEY,
                "-days",
                _DAYS,
                "-subj",
                "/CN=hummingbird-lab-ca",
                "-addext",
                "basicConstraints=critical,CA:true",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign",
                "-keyout",
                self.folder / "ca.key",
                "-out",
                self.certificate,
            ]
        )

    def issue(self, name: str, *, addresses: Sequence[str]) -> tuple[Path, Path]:
        """Make a server's certificate for IP addresses; return it and its key."""
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        certificate = self.folder / f"{name}.crt"
        extensions = self.folder / f"{name}.ext"
        names = ",".join(f"IP:{address}" for address in addresses)
        extensions.write_text(
            f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n"
            "keyUsage=critical,digitalSignature\nbasicConstraints=CA:false\n"
        )
        run(
            [
                "openssl",
                "req",
                *_EC_KEY,
                "-subj",
                f"/CN={name}",
                "-keyout",
                key,
                "-out",
                request,
            ]
        )
        run(
            [
                "openssl",
                "x509",
                "-req",
                "-in",
                request,
                "-days",
                _DAYS,
                "-CA",
                self.certificate,
                "-CAkey",
                self.folder / "ca.key",
                "-CAcreateserial",
                "-extfile",
                extensions,
                "-out",
                certificate,
            ]
        )
        request.unlink()
        extensions.unlink()
        return certificate, key
