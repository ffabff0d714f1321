# SPDX-License-Identifier: Apache-2.0
"""What is heard: sessions, heartbeats and inventory of the agents."""
