# SPDX-License-Identifier: Apache-2.0
"""The REST API: says what is wanted, shows what is; touches nothing but the database."""
