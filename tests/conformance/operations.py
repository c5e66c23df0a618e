# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried: one row per operation, by theme. Importing a theme adds its rows."""

import operations_lists                                                     # noqa: F401
import operations_seen                                                      # noqa: F401
import operations_settings                                                  # noqa: F401
import operations_trouble                                                   # noqa: F401
from table import OPERATIONS

__all__ = ["OPERATIONS"]
