# SPDX-License-Identifier: Apache-2.0
"""sysinv-agent: says what its host is made of, once and then on change."""
