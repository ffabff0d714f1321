# SPDX-License-Identifier: Apache-2.0
"""What attackers are given: the whole WSGI stack in process, on each database."""

from tests.functional.api.conftest import client as client
from tests.functional.api.conftest import world as world
