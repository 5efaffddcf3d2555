#!/usr/bin/env bash
# mlflow 3.17.2, scoring a model with `python -m mlflow models serve --env-manager local`, by the
# interpreter of an environment that is not activated.
#
# Expected: the server runs in that interpreter's environment, which has all it needs; "local" says
# the same.
# Seen: MLflow starts `uvicorn` by its name, through bash. Without the environment on the PATH it ends
# with "Return code = 127" and a traceback that does not say what was not found; with another
# environment's uvicorn on the PATH, that one would serve.
# So: activate the environment before `mlflow models serve`, or put its bin folder first on the PATH.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import mlflow


class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float]) -> list[float]:
        return [2 * number for number in model_input]


print("mlflow", mlflow.__version__)
mlflow.pyfunc.save_model("model", python_model=Twice())
PYTHON
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
serve=("$folder/venv/bin/python" -m mlflow models serve --env-manager local -m model -h 127.0.0.1 -p "$port")
test -x "$folder/venv/bin/uvicorn" && echo "uvicorn lies beside the interpreter"
status=0
PATH=/usr/bin:/bin timeout --kill-after 10 120 "${serve[@]}" >said 2>&1 || status=$?
echo "not activated: status $status"
grep "Return code" said
test "$status" -ne 124
grep -q "exec uvicorn .*Return code = 127" said
PATH="$folder/venv/bin:/usr/bin:/bin" timeout --kill-after 10 120 "${serve[@]}" >said 2>&1 || true
grep "Uvicorn running" said
