"""`labelcycle demo`: the whole loop on sample data, with simulated people.

Three rounds through a real Label Studio, then a table that sets them beside random selection.
"""

import shutil
import sys
import tarfile
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from labelcycle import config, rounds
from labelcycle.adapters import mlflow_place, services
from labelcycle.annotate import read_truth
from labelcycle.core.pool import UNLABELED
from labelcycle.core.seeding import derive
from labelcycle.cycle import people, setup, standing
from labelcycle.cycle.standing import Standing
from labelcycle.environment import check_settings_here, prepare
from labelcycle.errors import DataError, StateError
from labelcycle.labels import read_holdout
from labelcycle.nn import learners
from labelcycle.progress import shown
from labelcycle.store import Campaign, read_array, read_samples

ROUNDS = 3
BUDGET = 25
HOLDOUT = 300
DRAWS = 20
MARK = "demo"


def settings(data: Path) -> config.Config:
    """The demo's params.yaml."""
    classes = (data / "classes.txt").read_text(encoding="utf-8").splitlines()
    return config.parse(
        {
            "campaign": {
                "name": "fashion-demo",
                "classes": classes,
                "instruction": "Which piece of clothing is this? Skip it if you cannot tell.",
                "rounds": ROUNDS,
                "open_next": True,
            },
            "ingest": {"holdout": HOLDOUT},
            # One thread: two wait for each other where the services take a core.
            "pretrain": {"encoder": "smallconv", "threads": 1},
            "query": {"strategy": "typiclust", "budget": BUDGET},
        }
    )


def sample_data() -> Path:
    """Folder of the sample data: beside the sources, or where the wheel puts it."""
    places = (
        Path(__file__).resolve().parents[2] / "examples" / "fashion",
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
    """Run the demo in `directory`, which is made anew."""
    campaign = _fresh(directory.resolve())
    data = sample_data()
    _say(f"$ labelcycle init {directory}", "a campaign is a git repository with its settings")
    setup.init(campaign.root, settings(data))
    with _Services(campaign) as starting:
        _ingest(campaign, data)
        running = starting.wait()
    _loop(campaign, data / "truth.csv")
    _table(standing.read(campaign.root), data / "truth.csv")
    pushed = standing.last_push(campaign)
    _addresses(directory, running, pushed, mlflow_place.of_campaign(campaign))
    if stop:
        services.down(campaign, show=click.echo)


def _loop(campaign: Campaign, truth: Path) -> None:
    check_settings_here()
    prepare(campaign.root)  # Prefect reads its settings when it is imported
    from flows import rounds as flows

    for number in range(ROUNDS):
        if number == 0:
            _say(
                "$ labelcycle run",
                "learns features without labels (a minute or two), clusters the pool, picks"
                f" {BUDGET} typical samples, hands them to Label Studio",
            )
            flows.run(str(campaign.root))
        _say(
            "$ labelcycle annotate --truth truth.csv",
            "simulated people answer in Label Studio, as annotators would",
        )
        people.answer(standing.read(campaign.root), truth, seed=number, show=click.echo)
        _say(
            "$ labelcycle run",
            "takes the answers back, trains, evaluates, commits, tags, logs"
            + ("; opens the next round" if number + 1 < ROUNDS else ""),
        )
        flows.run(str(campaign.root))


class _Services:
    """Starts the services in the background; an error comes out of `wait`."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._running: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._up)

    def __enter__(self) -> "_Services":
        _say("$ labelcycle up", "Label Studio, MLflow and Prefect start in the background")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()

    def _up(self) -> None:
        try:
            self._running = services.up(self._campaign, show=click.echo)
        except BaseException as error:  # it is raised again in `wait`
            self._error = error

    def wait(self) -> Any:
        """The services, running."""
        self._thread.join()
        if self._error:
            raise self._error
        return self._running


def _fresh(root: Path) -> Campaign:
    """The folder, empty; an earlier demo in it is stopped and removed, anything else is refused."""
    campaign = Campaign(root)
    if root.exists() and any(root.iterdir()):
        if not (campaign.private / MARK).exists():
            raise StateError(
                f"{root} is not empty and was not made by the demo; wanted a folder of its own;"
                " name another one: labelcycle demo DIRECTORY"
            )
        click.echo(f"an earlier demo is in {root}: its services are stopped, it is made anew")
        services.down(campaign, show=click.echo)
        shutil.rmtree(root)
    (campaign.private).mkdir(parents=True)
    (campaign.private / MARK).touch()
    return campaign


def _ingest(campaign: Campaign, data: Path) -> None:
    _say(
        "$ labelcycle ingest images",
        f"2,000 images; {HOLDOUT} are held out to measure with and never trained on",
    )
    with TemporaryDirectory(prefix="labelcycle-demo-") as folder, shown("ingest") as show:
        with tarfile.open(data / "images.tar.xz") as archive:
            # The filter is for archives of strangers, and Python has it from 3.11.4 on.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)
        report = setup.add_images(campaign.root, [folder], show)
    click.echo(f"{report.pool} samples in the pool, {report.holdout} in the hold-out")


def _say(command: str, meaning: str) -> None:
    click.echo(f"\n{click.style(command, bold=True)}\n  # {meaning}")


# --- the comparison ------------------------------------------------------------------------


def _table(now: Standing, truth: Path) -> None:
    click.echo(
        "\nThe rounds, beside random selection at the same number of labels"
        f" (mean and spread of {DRAWS} draws, same features, classifier and hold-out):\n"
    )
    click.echo(f"{'round':>5}  {'labels':>6}  {'accuracy (95 % interval)':<26}  random selection")
    compare = RandomSelection(now, truth)
    for number in now.closed:
        metrics = now.record(rounds.METRICS, number)
        a = metrics["accuracy"]
        mine = f"{a['value']:.3f} ({a['low']:.3f} to {a['high']:.3f})"
        draws = compare.accuracies(metrics["labels"])
        theirs = f"{draws.mean():.3f} ± {draws.std(ddof=1):.3f}"
        click.echo(f"{number:>5}  {metrics['labels']:>6}  {mine:<26}  {theirs}")


class RandomSelection:
    """What the same classifier reaches on randomly selected labels.

    The true classes come from a file that nothing in the cycle reads.
    """

    def __init__(self, now: Standing, truth: Path) -> None:
        classes = now.config.classes
        known = read_truth(now.campaign, truth)
        pool = read_samples(now.campaign.samples, "pool")
        answers = {x.sample: x.label for x in read_holdout(now.campaign) if x.label}
        held = read_samples(now.campaign.samples, "holdout")
        rows = [row for row, sample in enumerate(held) if sample.id in answers]
        self._now = now
        self._features = read_array(now.campaign.features / "pool.npy")
        self._labels = np.array([classes.index(known[s.id]) for s in pool])
        self._test = np.asarray(read_array(now.campaign.features / "holdout.npy")[rows])
        self._wanted = np.array([classes.index(answers[held[row].id]) for row in rows])

    def accuracies(self, labels: int, draws: int = DRAWS) -> np.ndarray[Any, Any]:
        """Accuracy on the hold-out for each of `draws` random sets of `labels` labels."""
        config_ = self._now.config
        module = learners.get(config_.train.learner)
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
    for line in running.told(pushed, curves):
        click.echo(f"  {line}")
    program = sys.argv[0] if Path(sys.argv[0]).name == "labelcycle" else "labelcycle"
    click.echo(f"  {program} -C {directory} status")
    click.echo(f"  {program} -C {directory} verify round/001")
    click.echo(f"  {program} -C {directory} down      # stops the services")
