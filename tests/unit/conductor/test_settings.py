# SPDX-License-Identifier: Apache-2.0
"""What [provisioning] says becomes settings, or a sentence that says what is wrong."""

import subprocess
from pathlib import Path

import pytest

from hummingbird.conductor.settings import armored, read_settings
from hummingbird.conf import Conf, new
from hummingbird.errors import BadRequest


def conf(**provisioning: object) -> Conf:
    made = new({"provisioning": provisioning})
    made([], project="hummingbird", default_config_files=[])
    return made


def test_the_defaults_ask_for_nothing_of_ours() -> None:
    settings = read_settings(conf())
    assert settings.package_repository is None
    assert settings.mirrors == ()
    assert settings.agents_tag


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
    made = new(wrong)
    made([], project="hummingbird", default_config_files=[])
    with pytest.raises(BadRequest, match="has no IPv6 address"):
        read_settings(made)


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
