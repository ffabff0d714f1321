# SPDX-License-Identifier: Apache-2.0
"""An agent's side of its talk with the gateway."""
