"""Memory that is freed is soon wanted again."""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""What glibc calls them, in malloc.h."""

LARGEST_KEPT = 32 * 2**20
"""Bytes; glibc allows no more."""


def keep_freed_memory() -> None:
    """Let this process keep what it frees instead of giving it back to the system.

    A step frees and wants the same gigabytes again and again, and the system clears every page that
    it hands out: a sixth of a step of albef_base on two cores of a virtual machine. All threads
    share one heap, because the way back runs in a thread of its own. Where the C library is not
    glibc, nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)
        mallopt(MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(TRIM_THRESHOLD, -1)  # never
