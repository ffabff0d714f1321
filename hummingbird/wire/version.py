# SPDX-License-Identifier: Apache-2.0
"""The version of what crosses between gateway and agents.

1: sessions (POST /v1/sessions), reports (POST /v1/reports), beats and acks over UDP. A
   beat may have a path, where the session says `takes_path`; who knows of neither goes on.
   A gateway may say "elsewhere"; an agent that does not know it takes it for silence.
"""

from typing import Final

WIRE_VERSION: Final = 1
