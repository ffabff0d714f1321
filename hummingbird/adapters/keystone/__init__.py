# SPDX-License-Identifier: Apache-2.0
"""Keystone, where we are the ones who call."""
