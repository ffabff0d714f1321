# SPDX-License-Identifier: Apache-2.0
"""What the API promises: each operation, its shapes, and the OpenAPI document."""
