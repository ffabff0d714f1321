# SPDX-License-Identifier: Apache-2.0
"""The one HTTP server of every process: an event loop in front, worker threads behind.

A peer costs a thread only while a whole request of its is answered; decisions/0026 says
why it is made here and not taken from a library.
"""
