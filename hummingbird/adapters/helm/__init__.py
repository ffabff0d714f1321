# SPDX-License-Identifier: Apache-2.0
"""Helm releases: the only user of the helm program."""
