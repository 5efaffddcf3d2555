"""The library's work on a Dask client: in order, few at a time, and what is seen to before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from femtogpt.errors import UserError
from femtogpt.parallel import map_provided_by, processes
from tasks.dask_map import code, spread_over

pytest.importorskip("distributed", reason="make cluster installs what a cluster needs")


def double(number: int) -> int:
    return 2 * number


class Client:
    """As Dask's, with threads for workers."""

    def __init__(self, **about: object):
        self.about = {"one": {"code": code(), "sees": True, **about}}
        self.pool = ThreadPoolExecutor(2)

    def wait_for_workers(self, count: int, timeout: float) -> None:
        pass

    def nthreads(self) -> dict[str, int]:
        return {"one": 2}

    def run(self, function, probe: Path, on_error: str) -> dict:
        assert probe.exists()
        return self.about

    def submit(self, function, item, pure: bool):
        return self.pool.submit(function, item)


def test_the_work_is_map_provided_by_the_others_that_offer_it(tmp_path):
    with map_provided_by(lambda: spread_over(Client(), tmp_path)), processes() as spread:
        assert list(spread(double, range(100))) == list(range(0, 200, 2))
    assert not list(tmp_path.iterdir())
    with processes(1) as spread:  # again this machine's own
        assert list(spread(double, [3])) == [6]


def test_items_are_taken_only_as_they_are_worked_on(tmp_path):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    with spread_over(Client(), tmp_path) as spread:
        results = spread(double, items())
        assert next(results) == 0
        assert len(taken) == 4  # two for each thread


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"sees": False}, "does not see .*: make its machine share that folder, or name a place"),
        ({"code": "other"}, "has another femtogpt: bring it to the same commit"),
    ],
)
def test_a_worker_that_would_do_something_else_is_refused(tmp_path, about, message):
    with pytest.raises(UserError, match=message), spread_over(Client(**about), tmp_path):
        pass


def test_a_worker_that_cannot_work_is_refused_with_its_reason(tmp_path):
    client = Client()
    client.about = {"one": ModuleNotFoundError("No module named 'tasks'")}
    message = r"No module named 'tasks'.*install femtogpt there"
    with pytest.raises(UserError, match=message), spread_over(client, tmp_path):
        pass
