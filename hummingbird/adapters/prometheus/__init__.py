# SPDX-License-Identifier: Apache-2.0
"""What Prometheus reads: the only user of its client."""
