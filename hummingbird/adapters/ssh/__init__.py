# SPDX-License-Identifier: Apache-2.0
"""Looks whether a host's SSH server is there; getting in is Ansible's."""
