#!/usr/bin/env bash
# evalica 0.4.2: scores of two models from comparisons of the two.
#
# Expected: whoever won more comparisons has the higher score.
# Seen: Newman's method gives both exactly 1.0 where no comparison was a draw, even at 50:10; one
# draw among them, and the scores are right. Bradley-Terry gives both the same score at 5:0.
# So: a ranking of models by votes needs a check that the order of scores is that of the wins.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check evalica==0.4.2
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import evalica
from evalica import Winner


def scores(method, wins: int, losses: int, draws: int = 0) -> tuple[float, float]:
    winners = [Winner.X] * wins + [Winner.Y] * losses + [Winner.Draw] * draws
    count = len(winners)
    found = method(["ours"] * count, ["theirs"] * count, winners).scores
    return float(found["ours"]), float(found["theirs"])


print("evalica", version("evalica"))
for method, record in (
    (evalica.newman, (50, 10)),
    (evalica.newman, (50, 10, 1)),
    (evalica.bradley_terry, (5, 0)),
    (evalica.bradley_terry, (5, 1)),
):
    print(f"{method.__name__:14} {':'.join(map(str, record)):8} {scores(method, *record)}")

assert scores(evalica.newman, 50, 10) == (1.0, 1.0), "50:10 comes out as a tie"
ours, theirs = scores(evalica.newman, 50, 10, 1)
assert ours > theirs, "a single draw puts it right"
ours, theirs = scores(evalica.bradley_terry, 5, 0)
assert ours == theirs, "5:0 comes out as a tie"
ours, theirs = scores(evalica.bradley_terry, 5, 1)
assert ours > theirs, "5:1 does not"
PYTHON
