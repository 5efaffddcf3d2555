#!/usr/bin/env bash
# kaggle 2.2.4 with python-dateutil 4.0.0, which a plain `pip install kaggle` brings today.
#
# Expected: what pip installs without a complaint can be imported.
# Seen: `import kaggle` ends with ModuleNotFoundError: six. kaggle imports six and does not declare
# it; it used to come along with python-dateutil, whose version 4 no longer needs it.
# So: a project that uses kaggle has to ask for six, or keep a lock file that holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    kaggle==2.2.4 kagglesdk==0.1.38 python-dateutil==4.0.0
mkdir "$folder/home"
echo "declared: $("$folder/venv/bin/python" -c 'from importlib.metadata import requires; print(requires("kaggle"))')"
output=$(HOME="$folder/home" "$folder/venv/bin/python" -c 'import kaggle' 2>&1 | tail -n 1) || true
echo "import kaggle: $output"
[ "$output" = "ModuleNotFoundError: No module named 'six'" ]
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check six==1.17.0
HOME="$folder/home" "$folder/venv/bin/python" -c 'import kaggle; print("with six: imported")' | tail -n 1
