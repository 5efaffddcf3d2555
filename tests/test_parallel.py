"""Work spread over processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from femtogpt.errors import UserError
from femtogpt.parallel import processes, workers


def square(number: int) -> int:
    return number * number


def whereabouts(number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def fail(number: int) -> int:
    if number == 3:
        raise UserError("three is too many")
    return number


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_items():
    with processes(2) as spread:
        assert list(spread(square, range(50))) == [number * number for number in range(50)]
        assert list(spread(square, [7])) == [49]


def test_several_processes_work_and_a_single_item_needs_none():
    with processes(2) as spread:
        assert list(spread(whereabouts, [1])) == [os.getpid()]
        found = set(spread(whereabouts, range(20)))
    assert len(found) == 2
    assert os.getpid() not in found


def test_items_are_taken_only_as_they_are_worked_on():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    with processes(2) as spread:
        results = spread(square, items())
        next(results)
        assert len(taken) <= 6


def test_what_the_function_raises_comes_here():
    with processes(2) as spread, pytest.raises(UserError, match="three is too many"):
        list(spread(fail, range(10)))


def test_a_killed_process_is_told_with_what_to_do():
    with processes(2) as spread, pytest.raises(UserError, match="FEMTOGPT_WORKERS=1"):
        list(spread(die, range(4)))


def test_the_number_of_processes_can_be_set(monkeypatch):
    monkeypatch.setenv("FEMTOGPT_WORKERS", "3")
    assert workers() == 3
    monkeypatch.setenv("FEMTOGPT_WORKERS", "many")
    with pytest.raises(UserError, match="FEMTOGPT_WORKERS=many"):
        workers()


def test_processes_end_when_their_parent_is_killed(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            """
            from femtogpt.parallel import processes
            from tests.test_parallel import whereabouts
            if __name__ == "__main__":
                with processes(2) as spread:
                    for pid in spread(whereabouts, range(10**6)):
                        print(pid, flush=True)
            """
        )
    )
    root = Path(__file__).resolve().parent.parent
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    children = {int(parent.stdout.readline()) for _ in range(20)}
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.05)
