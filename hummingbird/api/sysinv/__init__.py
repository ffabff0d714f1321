# SPDX-License-Identifier: Apache-2.0
"""What stands before a real sysinv: passes its requests on and merges its lists with ours."""
