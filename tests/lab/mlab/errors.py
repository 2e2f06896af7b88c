# SPDX-License-Identifier: BSD-2-Clause
"""The one exception of the lab itself: something outside a test's claim went wrong."""


class LabError(Exception):
    """The lab could not do what it was asked; not a finding about mlagd."""
