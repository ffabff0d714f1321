# SPDX-License-Identifier: Apache-2.0
"""The controller's own links and routes: the only user of netlink."""
