"""One training at a time on a device, whichever process asks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from femtogpt.config import TrainConfig
from tasks import device_lock
from tasks.device_lock import device_lock as lock


def use(device: str, log, name: str, seconds: float) -> None:
    """Hold a device for some time."""
    with lock(TrainConfig(device=device)):
        log.put((name, "begins"))
        time.sleep(seconds)
        log.put((name, "ends"))


def started(device: str, log, name: str, seconds: float = 0.3) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(
        target=use, args=(device, log, name, seconds)
    )
    process.start()
    return process


def queue():
    return multiprocessing.get_context("fork").Queue()


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(device_lock.tempfile, "gettempdir", lambda: str(tmp_path))
    return queue()


def test_on_a_card_trainings_take_turns(log):
    both = [started("cuda:0", log, name) for name in "ab"]
    events = [log.get(timeout=20) for _ in range(4)]
    assert [what for _, what in events] == ["begins", "ends"] * 2
    assert events[0][0] == events[1][0] != events[2][0]
    for process in both:
        process.join(10)


def test_different_devices_are_used_at_once(log):
    both = [started(device, log, device, 3) for device in ("cuda:0", "cuda:1")]
    assert [log.get(timeout=20)[1] for _ in range(2)] == ["begins", "begins"]
    for process in both:
        process.kill()
        process.join(10)


def test_a_killed_training_releases_its_card(log):
    first = started("cuda", log, "first", 60)
    assert log.get(timeout=20) == ("first", "begins")
    os.kill(first.pid, signal.SIGKILL)
    log = queue()  # the killed process may have held this queue's lock
    second = started("cuda:0", log, "second")  # the same card by its other name
    assert log.get(timeout=20) == ("second", "begins")
    for process in (first, second):
        process.join(10)


def test_a_processor_is_shared_by_trainings_that_say_how_much_they_take():
    assert device_lock.devices(TrainConfig(device="cpu")) == ["cpu"]
    assert device_lock.devices(TrainConfig(device="cpu", threads=1)) == []
    two = TrainConfig(device="cuda:1", processes=2, batch_size=8)
    assert device_lock.devices(two) == ["cuda:1", "cuda:2"]
