# SPDX-License-Identifier: Apache-2.0
"""What clients see: domain objects in, JSON out."""
