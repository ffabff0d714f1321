# SPDX-License-Identifier: Apache-2.0
"""StarlingX's own system inventory."""
