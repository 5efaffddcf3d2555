"""What a training asks of the C libraries: memory that it keeps, threads that make room."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import torch

from femtogpt.parallel import cores
from femtogpt.training.observers import Moment
from femtogpt.training.waiting import IdlePool, Times, Waiting

FAULTS_OF_STEPS = """
import resource, sys
from femtogpt.training.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
import torch
from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.training.gradient import Gradient
from femtogpt.training.precision import Precision
model = GPT(ModelConfig(layers=2, width=128, heads=2, context=256), 8000)
gradient = Gradient(model, Precision(TrainConfig(precision="float32"), "cpu"), 4)
ids = torch.zeros(4, 256, dtype=torch.long)
faults = []
for step in range(10):
    gradient.compute(ids, ids, step)
    model.zero_grad(set_to_none=True)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[-1] - faults[4])
"""


def threads() -> frozenset[str]:
    """Those of this process, after those that are beginning or ending have done so."""
    seen: list[frozenset[str]] = []
    while len(seen) < 5 or (len({*seen[-5:]}) > 1 and len(seen) < 100):
        time.sleep(0.1)
        seen.append(frozenset(os.listdir("/proc/self/task")))
    return seen[-1]


MOMENT = Moment(1, 1, 1.0, 1.0)
linux = pytest.mark.skipif(sys.platform != "linux", reason="of glibc and /proc")


def page_faults(how: str) -> int:
    command = [sys.executable, "-c", FAULTS_OF_STEPS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@linux
@pytest.mark.slow
def test_freed_memory_is_used_again_without_the_system():
    assert page_faults("returned") > 3 * max(1000, page_faults("kept"))


@linux
@pytest.mark.slow
def test_other_programs_are_seen():
    before = Times.now()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(3)
        others = Times.now().others_since(before)
    finally:
        busy.kill()
        busy.wait()
    assert 0.1 < others < cores() + 0.1  # less than 1 where the machine is busy


@linux
@pytest.mark.parametrize(("own", "seen"), [(0, 0.5), (5, 1.5)])
def test_programs_that_make_way_count_only_for_one_that_does_too(monkeypatch, tmp_path, own, seen):
    stat = tmp_path / "stat"
    monkeypatch.setattr("femtogpt.training.waiting.STAT", stat)
    monkeypatch.setattr(os, "getpriority", lambda which, who: own)
    ticks = os.sysconf("SC_CLK_TCK")

    def at(clock: float, user: int, niced: int) -> Times:
        stat.write_text(f"cpu  9 9 9 9 9 9 9\ncpu0 {user * ticks} {niced * ticks} 0 7 0 0 0\n")
        return Times(clock, Times.now([0]).all_programs, 0.0)

    before = at(10.0, 50, 20)
    assert at(12.0, 51, 22).others_since(before) == seen


@linux
def test_own_work_is_not_that_of_others(monkeypatch):
    before, after = Times(10.0, 100.0, 50.0), Times(12.0, 104.0, 53.0)
    assert after.others_since(before) == pytest.approx(0.5)


@linux
def test_threads_sleep_beside_other_programs_and_wake_up_after_them(monkeypatch):
    monkeypatch.setattr("femtogpt.training.waiting.SECONDS", 0.0)
    free = cores() - torch.get_num_threads()
    seen = iter([0.0, free + 0.2, free + 0.9, free + 0.2, 0.0])  # cores busy for others
    monkeypatch.setattr(Times, "others_since", lambda self, before: next(seen))
    waiting, asleep = Waiting(torch.device("cpu")), []
    if waiting.last is None:
        pytest.skip("one thread never waits for another")
    for _ in range(5):
        waiting.on_step(MOMENT, {})
        asleep.append(waiting.pool is not None)
    assert asleep == [False, False, True, True, False]


@linux
@pytest.mark.skipif(cores() < 2, reason="needs two cores")
def test_two_threads_share_a_core_while_others_could_fill_both():
    program = """
import os, threading
from femtogpt.training.one_core import LOOKS, OneCore
cores = set(sorted(os.sched_getaffinity(0))[:2])
os.sched_setaffinity(0, cores)
held = threading.Event()
threading.Thread(target=held.wait).start()
def where():
    tasks = [int(task) for task in os.listdir("/proc/self/task")]
    assert len(tasks) == 2
    places = {frozenset(os.sched_getaffinity(task)) for task in tasks}
    assert len(places) == 1, places
    return set(*places)
one = OneCore(threads=2)
for others in (0.0, 0.66):
    one.look(others)
    assert where() == cores
one.look(1.2)
first = where()
for others in (1.6, 1.0):
    one.look(others)
    assert where() == first and len(first) == 1
one.look(0.3)
assert where() == cores
one.look(1.2)
assert where() == cores - first
for look in range(LOOKS):
    one.look(1.6)
assert where() == cores, "what others take beside both is seen anew"
one.look(1.2)
one.end()
assert where() == cores
OneCore(threads=1).look(1.6)
assert where() == cores
held.set()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@linux
def test_an_idle_pool_is_one_thread_for_each_that_computes_until_it_ends():
    torch.ones(1 << 20).add_(1)  # this thread's own pool
    before = threads()
    pool = IdlePool()
    held = threads() - before  # other tests' threads may end meanwhile
    pool.end()
    assert len(held) == torch.get_num_threads()
    assert not held & threads()


def test_nothing_is_watched_where_threads_do_not_wait():
    assert Waiting(torch.device("meta")).last is None
