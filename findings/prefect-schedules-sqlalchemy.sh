#!/usr/bin/env bash
# prefect 3.8.8 with SQLAlchemy 2.1, which its own requirements allow.
#
# Expected: a deployment with a schedule that is switched on gets runs.
# Seen: with SQLAlchemy 2.1.9 the server starts, answers and takes deployments, but its scheduler
# fails in each pass, in its log alone: no run is ever scheduled. With 2.0.44 there are runs.
# So: pin SQLAlchemy below 2.1 beside this Prefect, and test that a schedule fires.
#
# Takes some two minutes; both servers listen on 127.0.0.1 and end with the script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cat > "$folder/look.py" <<'PYTHON'
import sys
import time
from datetime import timedelta

import httpx

api = sys.argv[1]
with httpx.Client(base_url=api, timeout=10) as client:
    for _ in range(120):
        try:
            if client.get("/health").status_code == 200:
                break
        except httpx.TransportError:
            pass
        time.sleep(1)
    flow = client.post("/flows/", json={"name": "daily"}).raise_for_status().json()
    schedule = {"interval": timedelta(hours=1).total_seconds()}
    deployment = {
        "name": "hourly",
        "flow_id": flow["id"],
        "schedules": [{"active": True, "schedule": schedule}],
    }
    client.post("/deployments/", json=deployment).raise_for_status()
    runs = []
    for _ in range(20):
        time.sleep(1)
        runs = client.post("/flow_runs/filter", json={}).raise_for_status().json()
        if runs:
            break
print(len(runs))
PYTHON
for sqlalchemy in 2.1.9 2.0.44; do
    python3 -m venv "$folder/$sqlalchemy"
    "$folder/$sqlalchemy/bin/pip" install --quiet --disable-pip-version-check \
        prefect==3.8.8 fastapi==0.150.0 "sqlalchemy==$sqlalchemy"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    PREFECT_HOME="$folder/home-$sqlalchemy" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1 \
        PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS=3 \
        "$folder/$sqlalchemy/bin/prefect" server start --no-ui --host 127.0.0.1 --port "$port" \
        > "$folder/$sqlalchemy.log" 2>&1 &
    server=$!
    runs=$("$folder/$sqlalchemy/bin/python" "$folder/look.py" "http://127.0.0.1:$port/api")
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
    error=$(grep -oE '^[A-Za-z_.]*(Error|Exception): .*' "$folder/$sqlalchemy.log" | sort | uniq -c | sort -rn | head -n 1 || true)
    echo "prefect 3.8.8, SQLAlchemy $sqlalchemy: $runs scheduled runs; log: ${error:-no error}"
    case $sqlalchemy in
        2.1.*) [ "$runs" -eq 0 ] && [ -n "$error" ] ;;
        *) [ "$runs" -gt 0 ] ;;
    esac
done
