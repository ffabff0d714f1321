# SPDX-License-Identifier: Apache-2.0
"""mtc-client: says each period that its host is alive."""
