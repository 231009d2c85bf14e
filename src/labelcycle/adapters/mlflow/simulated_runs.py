"""MLflow shows simulated campaigns: a run an experiment, with a child run for each curve."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.adapters.mlflow.patient_client import translated
from labelcycle.adapters.mlflow.tracker import COMPLETE, PARENT, MlflowTracker
from labelcycle.campaign.json_files import value_digest

RESULTS = "labelcycle.results"
CURVE = ("data", "learner", "clusterer", "strategy")
"""What tells the curves apart."""

FIGURES = ("accuracy", "se", "gain", "gain_low", "gain_high")


class SimulatedTracker(MlflowTracker):
    """A tracking server, for the results of `labelcycle simulate`."""

    def log(self, found: Mapping[str, Any]) -> str:
        """Log what results.json holds, steps are numbers of labels; the address of the run.

        The same results are logged once; an attempt that broke off is replaced.
        """
        with translated(self._uri):
            name, key = found["experiment"], value_digest(found)
            experiment = self._experiment(f"simulate {name}", name)
            runs = self._search(experiment, f"tags.`{RESULTS}` = '{key}'")
            whole = [run.info.run_id for run in runs if run.data.tags.get(COMPLETE) == "yes"]
            if not whole:
                for broken in runs:
                    self._client.delete_run(broken.info.run_id)
                whole = [self._log_all(experiment, found, key)]
            return tracking_uri.page(self._uri, experiment)

    def _log_all(self, experiment: str, found: Mapping[str, Any], key: str) -> str:
        name = found["experiment"]
        parent = self._client.create_run(experiment, run_name=name, tags={RESULTS: key}).info.run_id
        for curve, rows in groupby(found["rows"], lambda row: [row[key] for key in CURVE]):
            self._log_curve(experiment, {PARENT: parent, RESULTS: key}, curve, rows)
        self._client.set_tag(parent, COMPLETE, "yes")
        self._client.set_terminated(parent, "FINISHED")
        return str(parent)

    def _log_curve(
        self, experiment: str, tags: dict[str, str], curve: list[str], rows: Any
    ) -> None:
        from mlflow.entities import Metric, Param

        run = self._client.create_run(experiment, run_name=", ".join(curve), tags=tags).info
        metrics = [
            Metric(figure, row[figure], run.start_time, row["budget"])
            for row in rows
            for figure in FIGURES
            if row[figure] is not None
        ]
        params = [Param(name, value) for name, value in zip(CURVE, curve, strict=True)]
        self._client.log_batch(run.run_id, metrics=metrics, params=params)
        self._client.set_terminated(run.run_id, "FINISHED")
