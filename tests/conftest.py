# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes `import fake` work from every test."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
