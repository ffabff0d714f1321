# SPDX-License-Identifier: Apache-2.0
"""What a client sends to have a host looked at (StarlingX config
sysinv/api/controllers/v1/vim_api.py)."""

from typing import Final

from hummingbird.api.schema.attribute import Attribute, Body, Words

HOST_AUDIT: Final = Body(
    "vim", {"vim_event": Attribute(Words("host-audit"), must=True)}
)
