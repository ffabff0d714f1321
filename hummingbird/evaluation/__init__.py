# SPDX-License-Identifier: Apache-2.0
"""Puts observations together: one view and one verdict per look, for all who act on it."""
