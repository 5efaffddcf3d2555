#!/usr/bin/env bash
# Optuna 5.0.0, GridSampler driven by ask() and tell() instead of optimize().
#
# Expected: the last result of a grid is told like every other; after that, ask() refuses or ends.
# Seen: tell() of the last grid point raises RuntimeError although it has stored the result, and
# ask() goes on handing out one and the same point of the grid without a word.
# So: a loop of one's own has to keep its own list of what is left of a grid.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
grid = {"layers": [2, 4], "rate": [0.1, 0.2]}
study = optuna.create_study(sampler=optuna.samplers.GridSampler(grid, seed=0))
points, raised_at, states = [], [], []
for number in range(7):
    trial = study.ask()
    point = (trial.suggest_int("layers", 2, 4), trial.suggest_float("rate", 0.1, 0.2))
    points.append(point)
    try:
        study.tell(trial, float(number))
    except RuntimeError as error:
        raised_at.append(number)
        message = str(error)
    states.append(study.trials[-1].state.name)

print("optuna", optuna.__version__)
print("points handed out:  ", points)
print("tell() raised at:   ", raised_at, "-", message)
print("states in the study:", states)
assert sorted(points[:4]) == [(2, 0.1), (2, 0.2), (4, 0.1), (4, 0.2)], "the grid comes first"
assert raised_at == [3, 4, 5, 6], "tell() raises from the last point of the grid on"
assert states == ["COMPLETE"] * 7, "the result is stored all the same"
assert len(set(points[4:])) == 1 and points[4] in points[:4], "one point is handed out again"
PYTHON
