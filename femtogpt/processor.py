"""The processor of this machine."""

from __future__ import annotations

import platform
import re
from pathlib import Path


def processor() -> str:
    """The processor's name."""
    try:
        match = re.search(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.M
        )
    except OSError:
        match = None
    return match[1] if match else platform.processor() or platform.machine()
