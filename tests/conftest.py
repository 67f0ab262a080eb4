"""Tests run side by side, a process for each core: within one, more threads would only wait."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
