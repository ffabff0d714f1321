# SPDX-License-Identifier: Apache-2.0
"""Board management controllers of hosts: their power, whatever runs on the host."""
