"""Choosing what to train, as a process of its own: ``python -m femtogpt.training.budget_process``.

It reads a budget and a law as JSON from standard input, measures the machine as a training would
find it, and prints the choice. Its own time counts: the training has what is left.
"""

from __future__ import annotations

import json
import sys
import time

from femtogpt.training.allocator import keep_freed_memory


def main() -> int:
    start = time.perf_counter()
    keep_freed_memory()  # before torch takes any
    from femtogpt.errors import UserError
    from femtogpt.scaling_law import ScalingLaw
    from femtogpt.training.budget import Budget
    from femtogpt.training.budget_here import chosen

    wanted = json.load(sys.stdin)
    try:
        choice = chosen(Budget(**wanted["budget"]), ScalingLaw.of(wanted["law"]), start)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(choice.as_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
