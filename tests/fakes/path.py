# SPDX-License-Identifier: Apache-2.0
"""The way to hosts, as a test says that it is."""

from hummingbird.domain.trace import Ssh


class FakePath:
    """Keeps the contract of adapters.path.look.Path (tests/contract/test_path.py)."""

    def __init__(self) -> None:
        self.fits: dict[str, int] = {}
        """Address that answers -> the largest packet that goes there."""
        self.servers: dict[str, Ssh] = {}
        self.keys: dict[str, tuple[str, ...]] = {}

    def ping(self, address: str, *, size: int | None = None) -> bool:
        fits = self.fits.get(address)
        return fits is not None and (size is None or size <= fits)

    def ssh(self, address: str, *, port: int) -> Ssh:
        return self.servers.get(address, Ssh.SILENT)

    def host_keys(self, address: str, *, port: int) -> tuple[str, ...]:
        return self.keys.get(address, ())
