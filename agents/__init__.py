# SPDX-License-Identifier: Apache-2.0
"""What runs on the hosts: standard library only, and hummingbird/wire."""
