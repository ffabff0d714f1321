# SPDX-License-Identifier: Apache-2.0
"""The lab: real Linux hosts, real networks and a real Kubernetes on one machine.

Everything runs below one first process, in process, mount and network namespaces
of its own, so that the end of that process is the end of the lab.  The program is
`hummingbird-lab`; tests use `hummingbird_lab.lab.Lab`.
"""
