#!/usr/bin/env bash
# prefect 3.8.8: starting a deployment with a parameter that its flow does not have.
#
# Expected: with enforce_parameter_schema, which is on, the server refuses what does not fit the
# flow's parameters; a value of the wrong type it does refuse.
# Seen: a misspelt parameter is accepted with 201; the run is scheduled and would fail only when it
# begins, perhaps at night.
# So: refuse unknown names oneself before a run is asked for, or take one model with extra="forbid".
#
# Takes about a minute; the server listens on 127.0.0.1 and ends with the script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    prefect==3.8.8 fastapi==0.150.0 sqlalchemy==2.0.44
cat > "$folder/flows.py" <<'PYTHON'
from prefect import flow


@flow
def train(steps: int = 100):
    print(steps)
PYTHON
cat > "$folder/look.py" <<'PYTHON'
import sys
import time

import httpx

sys.path.insert(0, sys.argv[2])
from flows import train

with httpx.Client(base_url=sys.argv[1], timeout=10) as client:
    for _ in range(120):
        try:
            if client.get("/health").status_code == 200:
                break
        except httpx.TransportError:
            pass
        time.sleep(1)
    deployment = train.to_deployment(name="local").apply()
    about = client.get(f"/deployments/{deployment}").raise_for_status().json()
    print("enforce_parameter_schema:", about["enforce_parameter_schema"])
    assert about["enforce_parameter_schema"] is True
    status = {}
    for parameters in ({"steps": 5}, {"steps": "many"}, {"stepz": 5}):
        answer = client.post(
            f"/deployments/{deployment}/create_flow_run", json={"parameters": parameters}
        )
        status[str(parameters)] = answer.status_code
        print(f"{parameters!s:20} {answer.status_code}")
    assert status["{'steps': 5}"] == 201
    assert status["{'steps': 'many'}"] in (409, 422), "a wrong value is refused"
    assert status["{'stepz': 5}"] == 201, "a wrong name is not"
PYTHON
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PREFECT_HOME="$folder/home" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
export PREFECT_API_URL="http://127.0.0.1:$port/api"
"$folder/venv/bin/prefect" server start --no-ui --host 127.0.0.1 --port "$port" \
    > "$folder/server.log" 2>&1 &
server=$!
echo "prefect 3.8.8"
"$folder/venv/bin/python" "$folder/look.py" "$PREFECT_API_URL" "$folder"
