# SPDX-License-Identifier: Apache-2.0
"""Every error that Hummingbird raises on purpose.

    HummingbirdError                 500
    ├── BadRequest                   400  the caller's words are wrong, or refused for a reason
    ├── NotAuthenticated             401
    ├── Forbidden                    403
    ├── NotFound                     404
    ├── Conflict                     409  the request met somebody else's change
    └── Unavailable                  503  a neighbour did not answer; nobody's fault here

A class is a row: `code` is stable and never reused (clients branch on it), `sentence` is
what a person reads, filled with facts, `status` is read in one place (api/fault.py) and
`worth_a_retry` says whether the same call may go through later. Facts are plain data, so
that an error crosses RPC unchanged.

A noun with errors of its own has a file of its own here, and a line below.
"""

# ruff: noqa: F403
from hummingbird.errors.address import *
from hummingbird.errors.base import *
from hummingbird.errors.board import *
from hummingbird.errors.deployment import *
from hummingbird.errors.host import *
from hummingbird.errors.label import *
from hummingbird.errors.neighbour import *
from hummingbird.errors.resource import *
from hummingbird.errors.security import *
from hummingbird.errors.tunnel import *
from hummingbird.errors.vxlan import *
