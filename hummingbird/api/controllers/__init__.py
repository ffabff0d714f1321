# SPDX-License-Identifier: Apache-2.0
"""What each route does: look up, parse, act, answer."""
