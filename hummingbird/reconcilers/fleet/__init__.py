# SPDX-License-Identifier: Apache-2.0
"""Reconcilers of the whole deployment."""
