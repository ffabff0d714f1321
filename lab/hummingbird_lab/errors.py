# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the lab, in one sentence a person can act on.

The command line shows the sentence and exits 1; tests see the class.
"""


class LabError(Exception):
    """Say what could not be done, and what to do about it."""


class LabNotRunning(LabError):
    """There is no running lab in the folder."""


class CommandFailed(LabError):
    """A program that the lab needs exited with an error; the text has its output."""
