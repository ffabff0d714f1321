# SPDX-License-Identifier: Apache-2.0
"""What clients may send: JSON in, checked dataclasses out."""
