"""Registers the flows with Prefect's server, as prefect.yaml has them: ``make deploy``.

Prefect accepts parameters that a flow does not have, and the run crashes. So each deployment's
schema gets the names that there are, and the server refuses others and lists these.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.responses import DeploymentResponse

from femtogpt.terminal import speak_plainly
from flows.service_notes import ROOT

POOL = "femtogpt"  # the work pool, as prefect.yaml names it
PAGE = 200  # deployments that the server lists at once
# What prefect.yaml says. Earlier versions registered the absolute paths of their place.
COMMAND = "python -m flows engine"
PULL_STEPS: list[dict[str, Any]] = [{"flows.project_folder.enter": {}}]


def close_parameters() -> None:
    """Have the server refuse parameters that a deployment's flow does not have."""
    with get_client(sync_client=True) as client:
        for deployment in _deployments(client):
            schema: dict[str, Any] = dict(deployment.parameter_openapi_schema or {})
            names = {"enum": [*schema.get("properties", ())]}
            if schema.get("propertyNames") != names:
                schema["propertyNames"] = names
                client.update_deployment(
                    deployment.id, DeploymentUpdate(parameter_openapi_schema=schema)
                )


def free_of_places() -> int:
    """Have deployments that name a folder run in the project's. Returns how many did."""
    count = 0
    with get_client(sync_client=True) as client:
        for deployment in _deployments(client):
            command = str((deployment.job_variables or {}).get("command", ""))
            if command.endswith("/python -m flows engine"):
                variables = {**(deployment.job_variables or {}), "command": COMMAND}
                update = DeploymentUpdate(job_variables=variables, pull_steps=PULL_STEPS)
                client.update_deployment(deployment.id, update)
                count += 1
    return count


def _deployments(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """The deployments that the project's worker runs."""
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    found: list[DeploymentResponse] = []
    while page := client.read_deployments(work_pool_filter=pool, limit=PAGE, offset=len(found)):
        found += page
    return found


def main() -> int:
    """Register all flows, or what the arguments of ``prefect deploy`` say."""
    speak_plainly()
    which = sys.argv[1:] or ["--all"]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *which]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status == 0:
        close_parameters()
    return status


if __name__ == "__main__":
    sys.exit(main())
