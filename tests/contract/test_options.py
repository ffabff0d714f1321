# SPDX-License-Identifier: Apache-2.0
"""Every option explains itself, and the sample file is what the options say."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from oslo_config import cfg

from hummingbird import conf
from hummingbird.conf.opts import GROUPS, list_opts

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = [
    pytest.param(group, option, id=f"{group}.{option.name}")
    for group, options in list_opts()
    for option in options
]
COUNTED = ("byte", "connection", "item", "line", "run", "thread", "count", "die")
"""What the numbers that are not times count."""
LONG = {"_seconds": "second", "_hours": "hour", "_days": "day"}
"""Units of time by how an option's name ends."""


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_an_option_has_a_sentence(group: str, option: cfg.Opt) -> None:
    assert option.help
    assert option.help[0].isupper() or option.help[0].islower()
    assert option.help.rstrip().endswith(".")
    assert "- " not in option.help.replace(" - ", ""), "a word was cut in two"


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_a_number_has_a_unit_and_bounds(group: str, option: cfg.Opt) -> None:
    if isinstance(option, cfg.PortOpt) or not isinstance(
        option, cfg.IntOpt | cfg.FloatOpt
    ):
        return
    unit = next((w for end, w in LONG.items() if option.name.endswith(end)), None)
    words = COUNTED if unit is None else (unit,)
    assert any(word in option.help.lower() for word in words)
    assert option.type.min is not None
    if option.name != "max_limit":  # 0 there means no cap, so neither is there one
        assert option.type.max is not None


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_a_url_that_may_hold_a_password_is_not_logged(
    group: str, option: cfg.Opt
) -> None:
    if option.name in ("url", "transport_url"):
        assert option.secret


def test_an_empty_configuration_is_a_whole_one() -> None:
    loaded = conf.new()
    loaded([], project="hummingbird", default_config_files=[])
    for group, options in list_opts():
        values = loaded if group == "DEFAULT" else loaded[group]
        for option in options:
            assert option.dest in values


def test_no_module_of_options_is_forgotten() -> None:
    folder = ROOT / "hummingbird" / "conf"
    modules = {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        "misspelt",
        "opts",
        "share",
    }
    assert modules == {module.__name__.rpartition(".")[2] for module in GROUPS}


def test_the_sample_file_is_up_to_date(tmp_path: Path) -> None:
    made = tmp_path / "sample"
    settings = ROOT / "tools" / "config-generator.conf"
    generator = Path(sys.executable).parent / "oslo-config-generator"
    subprocess.run(
        [generator, "--config-file", settings, "--output-file", made],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    sample = ROOT / "etc" / "hummingbird.conf.sample"
    assert sample.read_text() == made.read_text(), "make it again: tox -e genconfig"


def test_every_group_of_the_sample_can_be_loaded() -> None:
    sample = (ROOT / "etc" / "hummingbird.conf.sample").read_text()
    groups = {line.strip("[]") for line in sample.splitlines() if line[:1] == "["}
    assert groups == set(chain.from_iterable((group,) for group, _ in list_opts()))
