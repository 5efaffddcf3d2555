#!/usr/bin/env bash
# pydivsufsort 0.0.20, whose `levenshtein(string1, string2)` is, as its page says, the Levenshtein
# distance.
#
# Expected: the number of single edits from one text to the other: 3 from "kitten" to "sitting", and
# never less than the difference of their lengths.
# Seen: right for nearly all texts of the same length; the more the lengths differ, the more distances
# are wrong, nearly all where the second text is seven or more characters longer. Many are less than
# that difference, and some are others in the next process.
# So: take the suffix arrays from here and distances from elsewhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydivsufsort==0.0.20 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import random
from importlib.metadata import version

from pydivsufsort import levenshtein


def distance(one: str, other: str) -> int:
    """As in the textbooks: a row of the table for every character of the one."""
    row = list(range(len(other) + 1))
    for position, letter in enumerate(one, 1):
        above, row = row, [position]
        for column, sign in enumerate(other, 1):
            row.append(
                min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != sign))
            )
    return row[-1]


draw = random.Random(1)
pairs, wrong, too_small = {}, {}, 0
for _ in range(5000):
    one, other = ("".join(draw.choices("abcd", k=draw.randint(1, 12))) for _ in range(2))
    longer = len(other) - len(one)
    found = levenshtein(one, other)
    pairs[longer] = pairs.get(longer, 0) + 1
    wrong[longer] = wrong.get(longer, 0) + (found != distance(one, other))
    too_small += found < abs(longer)
print("pydivsufsort", version("pydivsufsort"))
assert distance("kitten", "sitting") == 3
print("second text longer by: wrong of so many pairs")
print(", ".join(f"{longer}: {wrong[longer]} of {pairs[longer]}" for longer in sorted(pairs)))
print("less than the difference of the lengths:", too_small)
far = [longer for longer in pairs if longer >= 7]
assert sum(wrong[longer] for longer in far) > sum(pairs[longer] for longer in far) / 2
assert too_small > 0
PYTHON
