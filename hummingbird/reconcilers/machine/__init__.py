# SPDX-License-Identifier: Apache-2.0
"""Reconcilers of one controller's own network."""
