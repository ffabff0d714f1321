# SPDX-License-Identifier: Apache-2.0
"""Sensors as sysinv shows them (StarlingX config sysinv/api/controllers/v1/sensor.py).

sysinv's come from a board's management controller, which can be told what to do about
each; these are what the host's own kernel sees, and only shown.
"""

from hummingbird.api.view.inventory_item import Row, Seen, taken

_UNITS = {
    "temperature": "degrees",
    "fan": "rpm",
    "voltage": "volts",
    "current": "amps",
    "power": "watts",
    "humidity": "percent",
}
_LIMITS = (
    "t_minor_lower",
    "t_minor_upper",
    "t_major_lower",
    "t_major_upper",
    "t_critical_lower",
    "t_critical_upper",
)


def isensors(seen: Seen) -> list[Row]:
    """Return the sensors."""
    rows = []
    for item in seen.items("sensors"):
        uuid = seen.uuid("isensor", seen.key("sensors", item))
        kind = item.get("sensortype")
        rows.append(
            {
                "uuid": uuid,
                **taken(item, ("sensorname", "path", "sensortype")),
                "datatype": "analog",
                "status": item.get("status"),
                "state": "enabled",
                "state_requested": None,
                "sensor_action_requested": None,
                "audit_interval": None,
                "algorithm": None,
                **dict.fromkeys(("actions_minor", "actions_major", "actions_critical")),
                "suppress": False,
                "unit_base": _UNITS.get(kind) if isinstance(kind, str) else None,
                **dict.fromkeys(("unit_modifier", "unit_rate")),
                **taken(item, _LIMITS),
                "capabilities": {},
                "host_uuid": seen.host.uuid,
                "sensorgroup_uuid": None,
                "links": seen.links(f"isensors/{uuid}"),
                **seen.times("sensors"),
            }
        )
    return rows
