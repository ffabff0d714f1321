# SPDX-License-Identifier: Apache-2.0
"""What [provisioning] says, with the files that it names read.

Read anew for each plan, so that a changed certificate or key reaches the next host.
"""

import base64
import re
import textwrap
from pathlib import Path
from typing import Final

from hummingbird import __version__
from hummingbird.conf import Conf
from hummingbird.domain.provisioning import (
    AGENT_IMAGES,
    Mirror,
    PackageRepository,
    Settings,
)
from hummingbird.errors import BadRequest

_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
_ARMOR: Final = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_ARMOR_END: Final = "-----END PGP PUBLIC KEY BLOCK-----"


def read_settings(conf: Conf) -> Settings:
    """Return the settings of this deployment.

    :raises BadRequest: a file can't be read, a mirror is not NAME=URL, or the agents'
        images are not named.
    """
    options = conf.provisioning
    return Settings(
        release=__version__,
        package_repository=_repository(conf),
        mirrors=_mirrors(conf),
        sandbox_image=str(options.sandbox_image),
        essential_images=tuple(options.essential_images),
        agent_images=_agent_images(conf),
        ignore_preflight_errors=tuple(options.ignore_preflight_errors),
        systemd_cgroup=bool(options.systemd_cgroup),
        restrict_oom_score_adj=bool(options.restrict_oom_score_adj),
        pod_network=bool(options.pod_network),
    )


def image_values(conf: Conf) -> dict[str, object]:
    """Return what the agents' chart is told of its images.

    :raises BadRequest: neither digests nor a tag are given, or a digest is none.
    """
    registry = _image_registry(str(conf.agents.registry))
    digests, tag = dict(conf.agents.digests), str(conf.agents.tag or "")
    if digests and tag:
        raise BadRequest(message="[agents]digests and [agents]tag are both set.")
    if not digests and not tag:
        raise BadRequest(
            message="[agents]digests does not say which images the agents are of."
            " `make images` writes it; [agents]tag takes what has that tag."
        )
    for name in AGENT_IMAGES if digests else ():
        if not _DIGEST.fullmatch(digests.get(name, "")):
            raise BadRequest(
                message=f"[agents]digests has no {name}:sha256:… of 64 digits."
            )
    return {
        "registry": registry,
        "tag": tag,
        "digests": {name: digests[name] for name in AGENT_IMAGES if digests},
    }


def _agent_images(conf: Conf) -> tuple[str, ...]:
    """Return the references that the chart makes of its values."""
    registry = _image_registry(str(conf.agents.registry))
    digests, tag = dict(conf.agents.digests), conf.agents.tag
    image_values(conf)
    return tuple(
        f"{registry}/{name}@{digests[name]}" if digests else f"{registry}/{name}:{tag}"
        for name in AGENT_IMAGES
    )


def _repository(conf: Conf) -> PackageRepository | None:
    options = conf.provisioning
    if not options.package_repository_url:
        return None
    if not options.package_repository_key_file:
        raise BadRequest(
            message="[provisioning]package_repository_url is set, but not"
            " package_repository_key_file: hosts would refuse its packages."
        )
    return PackageRepository(
        urls=tuple(options.package_repository_url),
        key=armored(_read(options.package_repository_key_file)),
        suite=str(options.package_repository_suite),
        components=tuple(str(options.package_repository_components).split()),
    )


def _mirrors(conf: Conf) -> tuple[Mirror, ...]:
    options = conf.provisioning
    ca_pem = ""
    if options.registry_ca_file:
        ca_pem = _read(options.registry_ca_file).decode()
    mirrors = []
    for item in options.registry_mirrors:
        host, equals, endpoint = str(item).partition("=")
        if not equals or not host or "://" not in endpoint:
            raise BadRequest(
                message=f"[provisioning]registry_mirrors: {item!r} is not NAME=URL."
            )
        if host.startswith("["):
            raise _no_image_name("[provisioning]registry_mirrors", host)
        mirrors.append(Mirror(host=host, endpoint=endpoint, ca_pem=ca_pem))
    return tuple(mirrors)


def _image_registry(name: str) -> str:
    if name.startswith("["):
        raise _no_image_name("[agents]registry", name)
    return name


def _no_image_name(option: str, name: str) -> BadRequest:
    """Return the refusal of a registry that no image can be of.

    The grammar of image names (distribution/reference, which containerd and the kubelet
    use) has no brackets; containerd 1.6 says "invalid reference format".
    """
    return BadRequest(
        message=f"{option}: {name!r} can't stand in an image's name, which has no IPv6"
        " address. Give the registry a name, which need not be known to DNS, and say"
        " where it is: [provisioning]registry_mirrors = NAME=https://[ADDRESS]:PORT."
    )


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadRequest(message=f"{name} can't be read: {error.strerror}.") from error


def armored(key: bytes) -> str:
    """Return an OpenPGP public key as text (RFC 9580, section 6), whichever it was."""
    if key.lstrip().startswith(b"-----BEGIN"):
        return key.decode("ascii")
    body = "\n".join(textwrap.wrap(base64.b64encode(key).decode(), 64))
    checksum = base64.b64encode(_crc24(key).to_bytes(3, "big")).decode()
    return f"{_ARMOR}\n\n{body}\n={checksum}\n{_ARMOR_END}\n"


def _crc24(content: bytes) -> int:
    crc = 0xB704CE
    for byte in content:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc & 0xFFFFFF
