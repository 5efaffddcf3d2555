"""The C library's memory allocator, told to keep what is freed.

glibc returns large blocks to the system as soon as they are freed. A step of training frees and
takes the same blocks again, and the system must clear each page of them anew: a quarter of the time
of a step with 5 M parameters (docs/experiments.md).
"""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # as in glibc's malloc.h
LARGEST = (1 << 30, 32 << 20)  # blocks to keep; glibc before 2.35 accepts the second only
PAD = 64 << 20  # bytes taken from the system at once


def keep_freed_memory() -> bool:
    """Have this process keep freed memory for its next use; False where that cannot be told.

    Changes no result.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    set_option = ctypes.CDLL(None).mallopt
    kept = any(set_option(M_MMAP_THRESHOLD, size) for size in LARGEST)
    return bool(kept and set_option(M_TRIM_THRESHOLD, (1 << 31) - 1) and set_option(M_TOP_PAD, PAD))
