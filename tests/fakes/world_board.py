# SPDX-License-Identifier: Apache-2.0
"""A board management controller for a box of the world, which works its power."""

from hummingbird.adapters.bmc.board import Power
from hummingbird.db.repository import host as hosts
from tests.fakes.boards import FakeBoard
from tests.fakes.world import World

ADDRESS = "10.9.0.7"


def install_board(world: World, name: str, *, cures: bool = False) -> FakeBoard:
    """Give the host `name` a Redfish board, with the host on.

    :param cures: whether a hung box beats again once its power was off.
    """

    def switch(on: bool) -> None:
        (world.power_on if on else world.power_off)(name)
        if cures:
            world.boxes[name].is_hung &= not on

    board = world.boards.add(ADDRESS, power=Power.ON, on_power=switch)
    attributes = {
        "bm_type": "redfish",
        "bm_ip": ADDRESS,
        "bm_username": "admin",
        "bm_password_sealed": world.box_of_secrets.seal("secret"),
    }
    with world.database.writer() as connection:
        host = hosts.find(connection, name)
        hosts.change(connection, host, now=world.clock.now(), attributes=attributes)
    return board
