# SPDX-License-Identifier: Apache-2.0
"""Our own little certificate authority."""
