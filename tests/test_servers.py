"""As on several machines: PostgreSQL behind Prefect and MLflow, object storage behind both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.local_services import LocalServices
from tests.s3_stand_in import objects

pytestmark = pytest.mark.slow


@pytest.fixture
def databases() -> Iterator[postgres.Postgres]:
    with postgres.served("prefect", "mlflow") as databases:
        yield databases


@pytest.fixture
def services(tmp_path, environment, databases, s3) -> Iterator[LocalServices]:
    """The services, which keep everything elsewhere, as in docs/cluster.md."""
    services = LocalServices(tmp_path, {**environment, **s3})
    services.environment |= {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": databases.url("prefect", "postgresql+asyncpg"),
        "MLFLOW_BACKEND_STORE_URI": databases.url("mlflow", "postgresql+psycopg"),
        "MLFLOW_ARTIFACTS_DESTINATION": "s3://femto/mlflow",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{services.mlflow_port}",
    }
    with services.running():
        yield services


def test_runs_and_files_are_in_postgres_and_object_storage(services, databases):
    pipeline = services.pipeline("own")
    elsewhere = {
        "data": str(pipeline.data),
        "mlruns": str(pipeline.mlruns),
        "remote": "s3://femto/artifacts",
    }
    run = services.start(pipeline, settings={"paths": elsewhere})
    state = services.await_state(run, "COMPLETED", "FAILED", "CRASHED", seconds=240)
    assert state["type"] == "COMPLETED", state
    query = f"SELECT state_type FROM flow_run WHERE id = '{run}'"
    assert databases.ask("prefect", query) == [("COMPLETED",)]
    ((run_id, status),) = databases.ask("mlflow", "SELECT run_uuid, status FROM runs")
    assert status == "FINISHED"
    losses = "SELECT count(*) FROM metrics WHERE key = 'train_loss'"
    assert databases.ask("mlflow", losses) == [(60,)]
    aws = {name: value for name, value in services.environment.items() if "AWS" in name}
    names = objects(aws)
    assert [name for name in names if name.startswith("mlflow/") and run_id in name]
    assert [name for name in names if name.startswith("artifacts/run/")]
    assert not list(services.folder.rglob("*.db"))  # nothing in SQLite beside them
