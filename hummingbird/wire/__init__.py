# SPDX-License-Identifier: Apache-2.0
"""What crosses to a host and back: standard library only, and copied into the images."""
