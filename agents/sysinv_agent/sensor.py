# SPDX-License-Identifier: Apache-2.0
"""Sensors of the board and its devices, from /sys/class/hwmon (Documentation/hwmon/
sysfs-interface): what they are, their limits, and whether the hardware calls one
crossed. What they measure changes by itself and is not told.
"""

import re
from pathlib import Path
from typing import Final

from agents.sysinv_agent.files import HostFiles, entries, link_name, number, text
from hummingbird.wire.section import Sensor

_INPUT: Final = re.compile(r"(temp|fan|in|curr|power|humidity)\d+_input")
_TYPES: Final = {
    "temp": ("temperature", 1000),
    "fan": ("fan", 1),
    "in": ("voltage", 1000),
    "curr": ("current", 1000),
    "power": ("power", 1000000),
    "humidity": ("humidity", 1000),
}
"""What it measures, and how many of the kernel's units are one of ours: degrees Celsius,
revolutions a minute, volts, amperes, watts, percent."""
_CRITICAL: Final = ("fault", "emergency_alarm", "crit_alarm", "lcrit_alarm")
_MAJOR: Final = ("alarm", "max_alarm", "min_alarm", "cap_alarm")
_LIMITS: Final = (
    ("t_critical_upper", "crit"),
    ("t_major_upper", "max"),
    ("t_major_lower", "min"),
    ("t_critical_lower", "lcrit"),
)
_MOST: Final = 256


def sensors(files: HostFiles) -> list[Sensor]:
    """Return the sensors, by where they are."""
    found = [
        _sensor(chip, path.name.removesuffix("_input"))
        for chip in entries(files.sys / "class/hwmon")
        for path in entries(chip)
        if _INPUT.fullmatch(path.name)
    ]
    # The kernel numbers chips anew at each boot; where they hang stays.
    found.sort(key=lambda sensor: sensor["path"])
    return found[:_MOST]


def _sensor(chip: Path, name: str) -> Sensor:
    kind, unit = _TYPES[name.rstrip("0123456789")]
    title = text(chip / "name") or chip.name
    device = chip / "device"
    place = link_name(device)
    if place:
        # As on PCI or I2C: two chips of a kind have the same name.
        title = f"{title} {place}"
    found: Sensor = {
        "sensorname": f"{title} {text(chip / f'{name}_label') or name}",
        "path": f"{_place(device) or chip.name}/{name}",
        "sensortype": kind,
        "status": _status(chip, name),
    }
    for ours, theirs in _LIMITS:
        limit = number(chip / f"{name}_{theirs}")
        if limit is not None:
            found[ours] = f"{limit / unit:g}"  # type: ignore[literal-required]
    return found


def _status(chip: Path, name: str) -> str:
    for word, suffixes in (("critical", _CRITICAL), ("major", _MAJOR)):
        if any(number(chip / f"{name}_{suffix}") == 1 for suffix in suffixes):
            return word
    return "ok"


def _place(device: Path) -> str | None:
    """Return where the chip hangs in /sys."""
    if not device.exists():
        return None
    return str(device.resolve()).rpartition("/devices/")[2]
