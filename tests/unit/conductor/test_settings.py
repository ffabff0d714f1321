# SPDX-License-Identifier: Apache-2.0
"""What [provisioning] says becomes settings, or a sentence that says what is wrong."""

import subprocess
from pathlib import Path

import pytest

from hummingbird.conductor.settings import armored, image_values, read_settings
from hummingbird.conf import Conf, new
from hummingbird.errors import BadRequest

DIGESTS = {
    "mtc-client": "sha256:" + 64 * "1",
    "sysinv-agent": "sha256:" + 64 * "2",
}


def made(groups: dict[str, dict[str, object]]) -> Conf:
    conf = new(groups)
    conf([], project="hummingbird", default_config_files=[])
    return conf


def conf(**provisioning: object) -> Conf:
    return made({"agents": {"digests": DIGESTS}, "provisioning": provisioning})


def test_the_defaults_ask_for_nothing_of_ours() -> None:
    settings = read_settings(conf())
    assert settings.package_repository is None
    assert settings.mirrors == ()


def test_the_agents_images_are_those_of_the_digests() -> None:
    of_a_registry = made({"agents": {"digests": DIGESTS, "registry": "r:5000/hb"}})
    assert read_settings(of_a_registry).agent_images == (
        f"r:5000/hb/mtc-client@{DIGESTS['mtc-client']}",
        f"r:5000/hb/sysinv-agent@{DIGESTS['sysinv-agent']}",
    )
    assert image_values(of_a_registry) == {
        "registry": "r:5000/hb",
        "tag": "",
        "digests": DIGESTS,
    }
    tagged = made({"agents": {"tag": "dev", "registry": "r:5000/hb"}})
    assert read_settings(tagged).agent_images == (
        "r:5000/hb/mtc-client:dev",
        "r:5000/hb/sysinv-agent:dev",
    )


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        ({}, "make images"),
        ({"digests": DIGESTS, "tag": "dev"}, "both set"),
        ({"digests": {"mtc-client": DIGESTS["mtc-client"]}}, "no sysinv-agent:sha256"),
        ({"digests": {**DIGESTS, "mtc-client": "sha256:1"}}, "no mtc-client:sha256"),
    ],
)
def test_images_that_could_be_any_are_refused(
    agents: dict[str, object], said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        read_settings(made({"agents": agents}))


def test_mirrors_and_their_authority(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("PEM")
    settings = read_settings(
        conf(
            registry_mirrors=["docker.io=https://m:5000", "m:5000=https://m:5000"],
            registry_ca_file=str(authority),
        )
    )
    assert [(m.host, m.endpoint, m.ca_pem) for m in settings.mirrors] == [
        ("docker.io", "https://m:5000", "PEM"),
        ("m:5000", "https://m:5000", "PEM"),
    ]


@pytest.mark.parametrize("mirror", ["docker.io", "=https://m", "docker.io=m:5000"])
def test_a_mirror_that_is_not_one_is_named(mirror: str) -> None:
    with pytest.raises(BadRequest, match="registry_mirrors"):
        read_settings(conf(registry_mirrors=[mirror]))


@pytest.mark.parametrize(
    "wrong",
    [
        {
            "provisioning": {
                "registry_mirrors": ["[fd00::2]:5000=https://[fd00::2]:5000"]
            }
        },
        {"agents": {"registry": "[fd00::2]:5000/hummingbird"}},
    ],
)
def test_an_images_name_has_no_ipv6_address(
    wrong: dict[str, dict[str, object]],
) -> None:
    wrong["agents"] = {"digests": DIGESTS, **wrong.get("agents", {})}
    with pytest.raises(BadRequest, match="has no IPv6 address"):
        read_settings(made(wrong))


def test_a_repository_needs_its_key() -> None:
    with pytest.raises(BadRequest, match="package_repository_key_file"):
        read_settings(conf(package_repository_url="http://r"))
    with pytest.raises(BadRequest, match="can't be read"):
        read_settings(
            conf(
                package_repository_url="http://r",
                package_repository_key_file="/nonexistent/key",
            )
        )


def test_a_binary_key_is_armoured_as_gnupg_does(tmp_path: Path) -> None:
    key = bytes(range(256)) * 3
    text = armored(key)
    dearmoured = subprocess.run(
        ["gpg", "--homedir", str(tmp_path), "--batch", "--dearmor"],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    assert dearmoured.stdout == key
    assert armored(text.encode()) == text
