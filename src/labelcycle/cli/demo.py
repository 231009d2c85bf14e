"""`labelcycle demo`: the whole loop on sample data, with simulated people.

Three rounds through a real Label Studio, or with `--quick` through files of the campaign and
without any server; then a table that sets them beside random selection.
"""

import importlib
import os
import shutil
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
import numpy as np

from labelcycle import config
from labelcycle.adapters.local import services
from labelcycle.adapters.local.environment import check_settings_here, prepare
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.numpy_files import read_array
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.campaign.sample_files import read_samples
from labelcycle.cli import expected_gain
from labelcycle.cli.expected_gain import ExpectedGain
from labelcycle.cli.progress_bar import shown
from labelcycle.core.counted_nouns import counted
from labelcycle.core.pool import UNLABELED
from labelcycle.core.seeding import derive
from labelcycle.cycle import new_campaign
from labelcycle.errors import DataError, StateError
from labelcycle.nn import learners
from labelcycle.people import simulated_round
from labelcycle.people.simulated import read_truth
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot

ROUNDS = 3
BUDGET = 25
ENCODER = "patches"
"""The same on every machine, with or without a GPU and the internet."""

HOLDOUT = 300
DRAWS = 20
QUICK_IMAGES, QUICK_HOLDOUT = 800, 200


def settings(data: Path, *, quick: bool = False) -> config.Config:
    """The demo's params.yaml."""
    classes = (data / "classes.txt").read_text(encoding="utf-8").splitlines()
    return config.parse(
        {
            "campaign": {
                "name": "fashion-demo",
                "classes": classes,
                "instruction": "Which piece of clothing is this? If no class fits, say why.",
                "rounds": ROUNDS,
                "open_next": True,
            },
            "ingest": {"holdout": QUICK_HOLDOUT if quick else HOLDOUT},
            "pretrain": {"encoder": ENCODER},
            "query": {"budget": BUDGET},
            # Nobody looks at the images: they are drawn small.
            "push": {"backend": "files", "min_side": 32} if quick else {},
        },
        parts=False,  # the first round checks them
    )


def sample_data() -> Path:
    """Folder of the sample data: beside the sources, or where the wheel puts it."""
    places = (
        Path(__file__).resolve().parents[3] / "examples" / "fashion",
        Path(sys.prefix) / "share" / "labelcycle" / "examples" / "fashion",
    )
    for place in places:
        if (place / "truth.csv").exists():
            return place
    raise DataError(
        f"the sample data is missing: wanted truth.csv in one of {', '.join(map(str, places))};"
        " install labelcycle again"
    )


def run(directory: Path, *, stop: bool) -> None:
    """Run the demo in `directory`, which is made anew.

    stop : stop the services at the end
    """
    campaign = _fresh(directory.resolve())
    data = sample_data()
    _say(f"$ labelcycle init {directory}", "a campaign is a git repository with its settings")
    new_campaign.init(campaign.root, settings(data))
    _say("$ labelcycle up", "Label Studio, MLflow and Prefect start in the background")
    try:
        with _Background(lambda: services.up(campaign, show=click.echo)) as starting:
            ingest(campaign, data, 2000, HOLDOUT)
            running = starting.wait()
        opening = (
            f"learns features without labels, picks {BUDGET} samples that stand for many others,"
            " hands them to Label Studio"
        )
        answering = "simulated people answer in Label Studio, as annotators would"
        rounds = _loop(campaign, data / "truth.csv", opening, answering)
        _table(rounds, expected_gain.FULL)
        pushed = snapshots.last_push(campaign)
        _addresses(directory, running, pushed, tracking_uri.of_campaign(campaign))
    except BaseException:
        if not stop:
            running_on = f"{_program()} -C {directory} down"
            click.echo(
                f"what was started of the services runs on; to stop it: {running_on}", err=True
            )
        raise
    finally:
        if stop:
            services.down(campaign, show=click.echo)


def run_quickly(directory: Path) -> None:
    """Run the quick demo in `directory`, which is made anew: no server is started."""
    began = time.monotonic()
    campaign = _fresh(directory.resolve())
    data = sample_data()
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", tracking_uri.VARIABLE):
        os.environ.pop(name, None)  # a server that runs for something else
    prefect: Future[None] = Future()
    with _Background(lambda: _databases(campaign, prefect)) as mlflow:
        _say(f"$ labelcycle init {directory}", "a campaign is a git repository with its settings")
        new_campaign.init(campaign.root, settings(data, quick=True))
        check_settings_here()
        prepare(campaign.root)  # Prefect reads its settings when it is imported
        with _Background(lambda: _start_prefect(prefect)) as starting:
            ingest(campaign, data, QUICK_IMAGES, QUICK_HOLDOUT)
            starting.wait()

        def log_from_here() -> None:
            os.environ[tracking_uri.VARIABLE] = f"sqlite:///{mlflow.wait()}"

        opening = (
            f"learns features without labels, picks {BUDGET} samples that stand for many others,"
            " writes them to a file of the campaign"
        )
        with _Background(_import_libraries):
            rounds = _loop(
                campaign,
                data / "truth.csv",
                opening,
                "simulated people answer in that file",
                log_from_here,
            )
    _table(rounds, expected_gain.QUICK)
    program, took = _program(), time.monotonic() - began
    click.echo(
        f"\nThat took {took:.0f} s, with no server to install or to stop. The real thing has beyond"
        " it: people who\nanswer on a page of Label Studio, all 2,000 images, and the pages of"
        " MLflow and Prefect.\n`labelcycle demo` shows it, in some minutes.\n"
        f"\nThe campaign is in {directory}; look at it:"
        f"\n  {program} -C {directory} status"
        f"\n  {program} -C {directory} verify round/001"
        f"\n  {program} -C {directory} up      # MLflow and Prefect, with what was logged"
    )


def _databases(campaign: Campaign, prefect: "Future[None]") -> Path:
    """Path of MLflow's database, which only the first close needs; `prefect` ends when its is made.

    Both in one go: two that lock the services one after the other could find them locked, by a
    program that the main thread is just about to start.
    """
    try:
        return services.embedded(campaign, click.echo, lambda: prefect.set_result(None))
    except BaseException as error:
        if not prefect.done():
            prefect.set_exception(error)
        raise


def _start_prefect(database: "Future[None]") -> None:
    """Start Prefect while images are read: it takes seconds."""
    from labelcycle_flows import temporary_server  # seconds

    database.result()
    temporary_server.start()


def _import_libraries() -> None:
    """Import what the first close needs, while the first stages run in processes of their own."""
    for module in ("mlflow", "sklearn.linear_model"):
        importlib.import_module(module)


def _loop(
    campaign: Campaign,
    truth: Path,
    opening: str,
    answering: str,
    opened: Callable[[], None] = lambda: None,
) -> "list[Played]":
    """Three rounds.

    Random selection is played for a closed round while the next one is at work.

    opening, answering : what is said of the first and of what people do
    opened : called once the first one is open
    """
    check_settings_here()
    prepare(campaign.root)  # Prefect reads its settings when it is imported
    from labelcycle_flows import rounds as flows

    played: list[Played] = []
    # One thread for all: two would undo each other's limit of threads in numeric libraries.
    with ThreadPoolExecutor(1) as beside:
        for number in range(ROUNDS):
            if number == 0:
                _say("$ labelcycle run", opening)
                flows.run(str(campaign.root))
                opened()
            _say("$ labelcycle annotate --truth truth.csv", answering)
            snapshot = snapshots.read(campaign.root)
            simulated_round.answer(snapshot, truth, seed=number, show=click.echo)
            _say(
                "$ labelcycle run",
                "takes the answers back, trains, evaluates, commits, tags, logs"
                + ("; opens the next round" if number + 1 < ROUNDS else ""),
            )
            flows.run(str(campaign.root))
            snapshot = snapshots.read(campaign.root)
            metrics = snapshot.records.metrics(number)
            compare = RandomSelection(snapshot, truth)
            played.append(Played(metrics, beside.submit(compare.accuracies, metrics.labels)))
    return played


class _Background:
    """Does something in the background; an error comes out of `wait`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._do)

    def __enter__(self) -> "_Background":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()

    def _do(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # it is raised again in `wait`
            self._error = error

    def wait(self) -> Any:
        """What came of it."""
        self._thread.join()
        if self._error:
            raise self._error
        return self._result


def _fresh(root: Path) -> Campaign:
    """The folder, empty; an earlier demo in it is stopped and removed, anything else is refused."""
    campaign = Campaign(root)
    if root.exists() and any(root.iterdir()):
        if not campaign.demo_mark.exists():
            raise StateError(
                f"{root} is not empty and was not made by the demo; wanted a folder of its own;"
                " name another one: labelcycle demo DIRECTORY"
            )
        click.echo(f"an earlier demo is in {root}: its services are stopped, it is made anew")
        services.down(campaign, show=click.echo)
        shutil.rmtree(root)
    campaign.private.mkdir(parents=True)
    campaign.demo_mark.touch()
    return campaign


def ingest(campaign: Campaign, data: Path, count: int, holdout: int) -> None:
    """Ingest the first `count` images of the sample data, and say so."""
    _say(
        "$ labelcycle ingest images",
        f"{count:,} images; {holdout} are held out to measure with and never trained on",
    )
    with TemporaryDirectory(prefix="labelcycle-demo-") as folder, shown("ingest") as show:
        with tarfile.open(data / "images.tar.xz") as archive:
            # The filter is for archives of strangers, and Python has it from 3.11.4 on.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            files = [member for member in archive if member.isfile()]
            archive.extractall(folder, files[:count])
        report = new_campaign.add_images(campaign.root, [folder], show)
    click.echo(f"{counted(report.pool, 'sample')} in the pool, {report.holdout} in the hold-out")


def _say(command: str, meaning: str) -> None:
    click.echo(f"\n{click.style(command, bold=True)}\n  # {meaning}")


# --- the comparison ------------------------------------------------------------------------


class Played(NamedTuple):
    """A closed round, and the accuracies of random selection with as many labels."""

    metrics: Metrics
    at_random: Future[np.ndarray[Any, Any]]


def _table(rounds: list[Played], expected: ExpectedGain) -> None:
    click.echo(
        "\nThe rounds, beside random selection at the same number of labels"
        f" (mean and spread of {DRAWS} draws, same features, classifier and hold-out):\n"
    )
    click.echo(f"{'round':>5}  {'labels':>6}  {'accuracy (95 % interval)':<26}  random selection")
    for number, (metrics, at_random) in enumerate(rounds):
        share = metrics.accuracy
        mine = f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})" if share else "-"
        accuracies = at_random.result()
        theirs = f"{accuracies.mean():.3f} ± {accuracies.std(ddof=1):.3f}"
        click.echo(f"{number:>5}  {metrics.labels:>6}  {mine:<26}  {theirs}")
    click.echo(f"\nThis is one run. {expected_gain.line(expected)}")


class RandomSelection:
    """What the same classifier reaches on randomly selected labels.

    The true classes come from a file that nothing in the cycle reads.
    """

    def __init__(self, snapshot: Snapshot, truth: Path) -> None:
        classes = snapshot.config.classes
        known = read_truth(snapshot.campaign, truth)
        pool = read_samples(snapshot.campaign.samples, "pool")
        answers = {x.sample: x.label for x in snapshot.records.holdout() if x.label}
        held = read_samples(snapshot.campaign.samples, "holdout")
        rows = [row for row, sample in enumerate(held) if sample.id in answers]
        self._snapshot = snapshot
        self._features = read_array(snapshot.campaign.split_features("pool"))
        self._labels = np.array([classes.index(known[s.id]) for s in pool])
        self._test = np.asarray(read_array(snapshot.campaign.split_features("holdout"))[rows])
        self._wanted = np.array([classes.index(answers[held[row].id]) for row in rows])

    def accuracies(self, labels: int, draws: int = DRAWS) -> np.ndarray[Any, Any]:
        """Accuracy on the hold-out for each of `draws` random sets of `labels` labels."""
        config_ = self._snapshot.config
        module = learners.get_for_features(config_.train.learner)
        options = module.Options(**config_.train.options)
        results = []
        for draw in range(draws):
            rng = derive(config_.campaign.seed, draw, "random comparison")
            rows = rng.choice(len(self._labels), size=labels, replace=False)
            bought = np.full(len(self._labels), UNLABELED)
            bought[rows] = self._labels[rows]
            learner = module.fit(self._features, bought, len(config_.classes), options, draw)
            said = learner.predict_proba(self._test).argmax(axis=1)
            results.append(float((said == self._wanted).mean()))
        return np.array(results)


def _addresses(
    directory: Path, running: services.Services, pushed: tuple[str, int] | None, curves: str | None
) -> None:
    click.echo(f"\nThe campaign is in {directory}; look at it:")
    for line in running.summary_lines(pushed, curves):
        click.echo(f"  {line}")
    program = _program()
    click.echo(f"  {program} -C {directory} status")
    click.echo(f"  {program} -C {directory} verify round/001")
    click.echo(f"  {program} -C {directory} down      # stops the services")


def _program() -> str:
    return sys.argv[0] if Path(sys.argv[0]).name == "labelcycle" else "labelcycle"
