"""The corpus stage on a Dask cluster, by Prefect's own integration."""

from __future__ import annotations

import logging
from typing import Any

from prefect import flow
from prefect.context import FlowRunContext

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import ClusterConfig, Config
from femtogpt.errors import UserError
from femtogpt.parallel import ONE_THREAD, map_provided_by
from femtogpt.storage import storage_path
from tasks import stages
from tasks.dask_map import spread_over

ANSWER = 20  # seconds that a scheduler has to answer


def cleaned(config: Config, raws: dict[str, Artifact]) -> Artifact:
    """The corpus: made by the Dask cluster that the configuration names, or by this machine.

    A cluster is started, or met, only where there is something to do.
    """
    cluster = config.cluster
    if not cluster.given:
        return stages.corpus(config, raws)
    place = storage_path(cluster.exchange) if cluster.exchange else config.paths.data.absolute()

    @flow(name="corpus", flow_run_name=config.name, task_runner=_runner(cluster))
    def on_dask() -> Artifact:
        runner = FlowRunContext.get().task_runner
        with map_provided_by(lambda: spread_over(_client(runner, cluster), place)):
            return stages.corpus(config, raws)

    return on_dask()


def _runner(cluster: ClusterConfig) -> Any:
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError as error:
        raise UserError("a Dask cluster needs some packages more: make cluster") from error
    logging.getLogger("distributed").setLevel(logging.WARNING)  # it tells each step of starting
    if cluster.address:
        return DaskTaskRunner(address=cluster.address, client_kwargs={"timeout": ANSWER})
    own = {
        "n_workers": cluster.workers,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
        "env": ONE_THREAD,
        "silence_logs": logging.CRITICAL,  # what fails in a worker is told here
    }
    return DaskTaskRunner(cluster_kwargs=own)


def _client(runner: Any, cluster: ClusterConfig) -> Any:
    """The runner's client: it starts the cluster, or meets it, on first use."""
    try:
        return runner.client
    except OSError as error:
        raise UserError(
            f"no Dask scheduler answers at {cluster.address} within {ANSWER} s:"
            " start one with dask scheduler, or leave cluster.address out"
        ) from error
