# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what the folders have for one another importable from every test: the practice server, the program, worlds, terminals, TLS servers."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(HERE, folder) for folder in ("cli", "pty", "tls"))]
