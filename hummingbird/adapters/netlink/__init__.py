# SPDX-License-Identifier: Apache-2.0
"""The controller's own links and routes: the only user of netlink."""

from hummingbird.imports import package_alone

# Of its 163 modules some 90 are of use here, and those are named where they are used.
package_alone("pyroute2")
