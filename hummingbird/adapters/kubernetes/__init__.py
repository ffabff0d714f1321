# SPDX-License-Identifier: Apache-2.0
"""The cluster that hosts join: the only user of the Kubernetes client."""
