# SPDX-License-Identifier: Apache-2.0
"""StarlingX's fault management, over REST."""
