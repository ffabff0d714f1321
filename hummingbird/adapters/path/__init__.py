# SPDX-License-Identifier: Apache-2.0
"""Looks at the way to a host with the means that every machine has: ping and SSH."""
