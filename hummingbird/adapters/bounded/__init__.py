# SPDX-License-Identifier: Apache-2.0
"""What is asked of a peer that nobody trusts has a deadline and a bound on its bytes."""
