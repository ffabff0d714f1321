# SPDX-License-Identifier: Apache-2.0
"""A request from the socket to a controller and back: doors, roles, audit, errors."""
