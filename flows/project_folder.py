"""The step with which a deployment's run enters the project, wherever the project lies."""

from __future__ import annotations

import os

from flows.service_notes import ROOT


def enter() -> dict[str, str]:
    """Go to the project's folder. Prefect's own step would keep an absolute path of it."""
    os.chdir(ROOT)
    return {"directory": str(ROOT)}
