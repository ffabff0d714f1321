# SPDX-License-Identifier: Apache-2.0
"""The version of the calls between API and conductor, and its history.

A minor step only adds; both sides of a rolling upgrade keep working when the conductors
go first. A major step breaks.

    1.0  nudge(name), reconcilers(), ping()
"""

RPC_VERSION = "1.0"

TOPIC = "hummingbird-conductor"
"""Where conductors listen."""
