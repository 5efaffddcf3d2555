"""As on several machines: PostgreSQL behind Prefect and MLflow, object storage behind both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.house import House
from tests.s3_stand_in import objects

pytestmark = pytest.mark.slow


@pytest.fixture
def databases() -> Iterator[postgres.Postgres]:
    with postgres.served("prefect", "mlflow") as found:
        yield found


@pytest.fixture
def house(tmp_path, environment, databases, s3) -> Iterator[House]:
    """The services, with all that they keep elsewhere; as docs/cluster.md has it."""
    house = House(tmp_path, {**environment, **s3})
    house.environment |= {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": databases.url("prefect", "postgresql+asyncpg"),
        "MLFLOW_BACKEND_STORE_URI": databases.url("mlflow", "postgresql+psycopg"),
        "MLFLOW_ARTIFACTS_DESTINATION": "s3://femto/mlflow",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{house.mlflow_port}",
    }
    with house.stands():
        yield house


def test_runs_and_files_lie_in_postgres_and_object_storage(house, databases):
    pipeline = house.pipeline("own")
    elsewhere = {
        "data": str(pipeline.data),
        "mlruns": str(pipeline.mlruns),
        "remote": "s3://femto/artifacts",
    }
    run = house.start(pipeline, settings={"paths": elsewhere})
    state = house.await_state(run, "COMPLETED", "FAILED", "CRASHED", seconds=240)
    assert state["type"] == "COMPLETED", state
    asked = f"SELECT state_type FROM flow_run WHERE id = '{run}'"
    assert databases.ask("prefect", asked) == [("COMPLETED",)]
    ((run_id, status),) = databases.ask("mlflow", "SELECT run_uuid, status FROM runs")
    assert status == "FINISHED"
    losses = "SELECT count(*) FROM metrics WHERE key = 'train_loss'"
    assert databases.ask("mlflow", losses) == [(60,)]
    names = objects({name: house.environment[name] for name in house.environment if "AWS" in name})
    assert [name for name in names if name.startswith("mlflow/") and run_id in name]
    assert [name for name in names if name.startswith("artifacts/run/")]
    assert not list(house.folder.rglob("*.db"))  # nothing in SQLite beside them
