# SPDX-License-Identifier: Apache-2.0
"""Hummingbird: small node management for StarlingX and any Kubernetes."""

__version__ = "0.1.0"
