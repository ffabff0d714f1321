# SPDX-License-Identifier: Apache-2.0
"""Runs playbooks on hosts. The only user of Ansible, and of ansible-runner's
display plugin."""
