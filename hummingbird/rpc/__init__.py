# SPDX-License-Identifier: Apache-2.0
"""Calls from the API to the conductors: the only user of oslo.messaging.

Nothing that matters crosses here. What is wanted is in the database, a nudge only makes
a conductor look sooner, and a call reads what it looked at last.
"""

import warnings

# oslo.service and futurist still import eventlet where it is installed, and warn of it.
# Nothing here is patched by it or runs on it: there is nobody whom the warning helps.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
