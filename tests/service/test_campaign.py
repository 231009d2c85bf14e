"""A whole campaign from the wheel: real Label Studio, MLflow, Prefect, DVC and git, real images.

The tests run in order and share one campaign, as its owner would. The installed program has no
true classes: their file is taken out of the installation, and a copy is there only while
`annotate` looks at it.
"""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from params import set_params
from prefect_api import prefect_client
from wheel import REPOSITORY, Installed

from labelcycle.core.digests import file_digest

pytestmark = pytest.mark.service

EXAMPLE = REPOSITORY / "examples" / "fashion"
IMAGES = 260
HOLDOUT = 40
BUDGET = 8
NEVER = "Something else"
"""A class that no image has."""


class World:
    """The campaign under test and its owner's commands."""

    def __init__(self, installed: Installed, base: Path) -> None:
        self.installed = installed
        self.base = base
        self.root = base / "campaign"
        self.truth = base / "secret" / "truth.csv"

    def run(self, *words: str, code: int = 0, **more: str) -> str:
        return self.installed.run(self.root, *words, code=code, **more)

    def refused(self, *words: str, **more: str) -> str:
        """The line with which `labelcycle WORDS` refuses; the campaign is as it was."""
        before = self.state()
        told = self.installed.refused(self.root, *words, **more)
        assert self.state() == before
        return told

    def state(self) -> dict[str, str]:
        """Commit, tags, and the digest of every file that is not in .labelcycle or .git."""
        files = (p for p in sorted(self.root.rglob("*")) if p.is_file())
        own = [p for p in files if not {".git", ".labelcycle", ".dvc"} & set(p.parts)]
        return {
            "HEAD": self.tool("git", "rev-parse", "HEAD"),
            "tags": self.tool("git", "tag"),
            **{str(p.relative_to(self.root)): file_digest(p) for p in own},
        }

    def tool(self, *words: str) -> str:
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = self.installed.environment(PATH=programs)
        done = subprocess.run(words, cwd=self.root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def annotate(self) -> str:
        """Show the file of true classes to simulated people, and to nothing else."""
        self.truth.parent.mkdir()
        shutil.copy(EXAMPLE / "truth.csv", self.truth)
        try:
            return self.run("annotate", "--truth", str(self.truth))
        finally:
            shutil.rmtree(self.truth.parent)

    @property
    def services(self) -> Any:
        return json.loads((self.root / ".labelcycle" / "services.json").read_text())

    def ask(
        self, service: str, path: str, body: Any = None, method: str | None = None, **headers: str
    ) -> Any:
        address = self.services["services"][service]["address"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            address + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def label_studio(self, path: str, body: Any = None, method: str | None = None) -> Any:
        token = f"Token {self.services['token']}"
        return self.ask("label_studio", path, body, method, Authorization=token)

    def prefect(self, path: str, body: Any) -> Any:
        address = self.services["services"]["prefect"]["address"]
        user, _, password = self.services["prefect"].partition(":")
        headers = {"Prefect-Csrf-Client": "test"}
        with prefect_client(f"{address}/api/", auth=(user, password), headers=headers) as client:
            token = client.get("csrf-token?client=test").raise_for_status().json()["token"]
            client.headers["Prefect-Csrf-Token"] = token
            return client.post(path, json=body).raise_for_status().json()


@pytest.fixture(scope="module")
def world(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("world")
    with tarfile.open(EXAMPLE / "images.tar.xz") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda m: m.name)
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(base / "images", members[:IMAGES])
    (base / "images" / "broken.png").write_bytes(b"no image")
    world = World(installed, base)
    classes = ",".join([*(EXAMPLE / "classes.txt").read_text().split("\n"), NEVER]).strip(",")
    installed.run(base, "init", "campaign", "--name", "from the wheel", "--classes", classes)
    set_params(
        world.root,
        ingest={"holdout": HOLDOUT},
        query={"budget": BUDGET},
        campaign={"rounds": 2},
    )
    yield world
    if (world.root / ".labelcycle" / "services.json").exists():
        world.run("down")


def test_images_come_in_and_the_broken_one_is_named(world: World) -> None:
    out = world.run("ingest", str(world.base / "images"))
    assert f"{IMAGES + 1} files: {IMAGES} new samples" in out
    assert "1 in quarantine" in out
    assert f"now {IMAGES - HOLDOUT} in the pool, {HOLDOUT} in the hold-out" in out
    quarantined = (world.root / "data" / "quarantine.jsonl").read_text().splitlines()
    assert [json.loads(line)["source"].endswith("broken.png") for line in quarantined] == [True]


def test_owned_labels_are_taken_before_round_0(world: World) -> None:
    manifest = world.root / "data/samples/000.jsonl"
    samples = [json.loads(line) for line in manifest.read_text().splitlines()]
    pool = [s for s in samples if s["split"] == "pool"][:2]
    owned = world.base / "owned.csv"
    owned.write_text(f"sample,label\n{pool[0]['id']},Bag\n{pool[1]['id']},Zebra\n")
    out = world.run("import-labels", str(owned))
    assert "1 label accepted, 1 rejected" in out
    assert "Zebra" in out


def test_without_services_the_remedy_is_named(world: World) -> None:
    out = world.run("doctor", code=1)
    assert "off  Label Studio: not running -> `labelcycle up` starts it" in out
    assert "FAIL" not in out
    assert "not running: Label Studio, MLflow, Prefect; `labelcycle up` starts them" in out
    out = world.run("run", code=1, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert re.search(r"labelcycle: Prefect at http://127.0.0.1:9/api does not answer .*up", out)


def test_services_come_up_and_the_doctor_is_content(world: World) -> None:
    out = world.run("up")
    assert "log in to Label Studio as" in out
    assert "log in to Prefect with labelcycle:" in out
    assert "FAIL" not in world.run("doctor")


def test_without_class_names_nothing_begins(world: World) -> None:
    world.installed.run(world.base, "init", "nameless")
    folder = world.base / "nameless"
    prefect = world.services["services"]["prefect"]["address"] + "/api"
    told = world.installed.refused(folder, "run", PREFECT_API_URL=prefect)
    assert "campaign.classes is empty; wanted at least two" in told
    assert not (folder / "rounds").exists()


def killed_once(world: World, there: str) -> None:
    """Kill -9 a `labelcycle run` as soon as this file of the campaign is there."""
    process = world.installed.start(world.root, "run")
    give_up = time.monotonic() + 300
    while process.poll() is None and not (world.root / there).exists():
        assert time.monotonic() < give_up, f"no {there}"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_killed_anywhere_the_round_opens_once(world: World) -> None:
    """In the middle of a stage, of the push, and before the round is open; then it ends."""
    for there in ("work/features/pool.npy", "rounds/000/selection.json", "rounds/000/pushed.json"):
        assert not (world.root / there).exists()
        killed_once(world, there)
    out = world.run("run")
    assert f"round 0: 0 of {BUDGET + HOLDOUT} tasks done" in out
    tasks = pushed_tasks(world, 0)
    assert len(tasks) == BUDGET + HOLDOUT
    assert tasks == tasks_in_label_studio(world)
    assert world.tool("git", "tag") == "open/000"


def pushed_tasks(world: World, *numbers: int) -> set[int]:
    return {
        task["task"] for number in numbers for task in record(world, number, "pushed.json")["tasks"]
    }


def tasks_in_label_studio(world: World) -> set[int]:
    project = record(world, 0, "pushed.json")["project"]
    answer = world.label_studio(f"/api/tasks?project={project}&page_size=1000&fields=task_only")
    assert answer["total"] == len(answer["tasks"])
    return {task["id"] for task in answer["tasks"]}


def record(world: World, number: int, name: str) -> Any:
    return json.loads((world.root / "rounds" / f"{number:03d}" / name).read_text())


def test_a_second_run_while_one_is_at_work_is_told_so(world: World) -> None:
    lock = (
        "import sys; from pathlib import Path; from labelcycle.adapters import lock\n"
        "with lock.exclusive(Path('.labelcycle/campaign.lock').resolve()):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [str(world.installed.python), "-c", lock],
        cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    try:
        out = world.run("run", code=75)
        assert re.search(rf"is in use by process {holder.pid} .*wait until it has ended", out)
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("command", ["run", "collect"])
def test_a_wrong_token_is_named_and_not_shown(world: World, command: str) -> None:
    told = world.refused(command, LABEL_STUDIO_API_KEY="f" * 40)
    assert re.search(r"refuses the token .*; set LABEL_STUDIO_API_KEY to it", told)
    assert "f" * 40 not in told


def test_label_studio_away_is_named_and_changes_nothing(world: World) -> None:
    away = {"LABEL_STUDIO_URL": "http://127.0.0.1:9", "LABEL_STUDIO_API_KEY": "f" * 40}
    told = world.refused("run", **away)
    assert "Label Studio does not answer at http://127.0.0.1:9" in told
    assert "run `labelcycle up`, or set LABEL_STUDIO_URL" in told


def test_people_answer(world: World) -> None:
    assert f"{BUDGET + HOLDOUT} answers" in world.annotate()


def test_a_class_that_is_no_longer_offered_is_named_with_the_remedy(world: World) -> None:
    path = f"/api/projects/{record(world, 0, 'pushed.json')['project']}"
    config = world.label_studio(path)["label_config"]
    fewer = re.sub(rf'<Choice value="{NEVER}"[^>]*/>', "", config)
    assert fewer != config
    world.label_studio(path, {"label_config": fewer}, "PATCH")
    told = world.refused("run")
    assert re.search(
        rf"labelling interface of project .* no longer offers '{NEVER}'; wanted the classes .*"
        r"put it right in its Settings under Labeling Interface",
        told,
    )
    world.label_studio(path, {"label_config": config}, "PATCH")


def test_a_kill_while_closing_loses_nothing(world: World) -> None:
    killed_once(world, "rounds/000/annotations.jsonl")
    assert world.tool("git", "tag") == "open/000"
    # MLflow away delays the log and stops nothing
    out = world.run("run", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert "not logged yet: MLflow at http://127.0.0.1:9 does not answer" in out
    world.run("run")
    status = json.loads(world.run("status", "--json"))["rounds"]
    assert [(r["round"], r["state"], r["labels"]) for r in status] == [(0, "closed", BUDGET + 1)]
    assert status[0]["accuracy_low"] < status[0]["accuracy"] < status[0]["accuracy_high"]
    assert "up to date" in world.tool("dvc", "status", "train", "evaluate")


def test_the_next_round_shows_the_models_predictions(world: World) -> None:
    world.run("open")
    project = record(world, 1, "pushed.json")["project"]
    pushed = sorted(record(world, 1, "pushed.json")["tasks"], key=lambda t: t["rank"])
    task = world.label_studio(f"/api/tasks/{pushed[0]['task']}")
    assert task["predictions"][0]["model_version"] == "round-000"
    assert world.label_studio(f"/api/projects/{project}")["model_version"] == "round-000"
    assert tasks_in_label_studio(world) == pushed_tasks(world, 0, 1)
    world.annotate()
    out = world.run("run")
    assert "all rounds of campaign.rounds are closed" in out
    assert world.tool("git", "tag").split() == ["open/000", "open/001", "round/000", "round/001"]


def runs_in_mlflow(world: World) -> list[tuple[str, dict[str, str]]]:
    """Id and tags of each run of the campaign that was not deleted."""
    found = world.ask("mlflow", "/api/2.0/mlflow/experiments/search", {"max_results": 50})
    [experiment] = [e for e in found["experiments"] if e["name"] == "from the wheel"]
    question = {"experiment_ids": [experiment["experiment_id"]], "max_results": 50}
    runs = world.ask("mlflow", "/api/2.0/mlflow/runs/search", question)["runs"]
    return [
        (run["info"]["run_id"], {t["key"]: t["value"] for t in run["data"]["tags"]}) for run in runs
    ]


def rounds_in_mlflow(world: World) -> dict[str, str]:
    """Run by round; each round has one."""
    pairs = [
        (t["labelcycle.round"], run) for run, t in runs_in_mlflow(world) if "labelcycle.round" in t
    ]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def test_mlflow_holds_each_round_once_and_one_curve(world: World) -> None:
    assert sorted(rounds_in_mlflow(world)) == ["000", "001"]
    check_curve(world)


def test_a_round_whose_log_broke_off_is_logged_anew_and_stays_one_point(world: World) -> None:
    before = rounds_in_mlflow(world)
    gone = {"run_id": before["000"], "key": "labelcycle.complete"}
    world.ask("mlflow", "/api/2.0/mlflow/runs/delete-tag", gone)
    world.run("run")
    after = rounds_in_mlflow(world)
    assert sorted(after) == ["000", "001"]
    assert after["000"] != before["000"]
    assert after["001"] == before["001"]
    assert dict(runs_in_mlflow(world))[after["000"]]["labelcycle.complete"] == "yes"
    check_curve(world)


def check_curve(world: World) -> None:
    """The strategy's run has one point a round: the accuracy at the number of labels."""
    [parent] = [run for run, tags in runs_in_mlflow(world) if "labelcycle.strategy" in tags]
    path = (
        f"/api/2.0/mlflow/metrics/get-history?run_id={parent}&metric_key=learning%20curve/accuracy"
    )
    curve = [(p["step"], p["value"]) for p in world.ask("mlflow", path)["metrics"]]
    status = json.loads(world.run("status", "--json"))["rounds"]
    assert sorted(curve) == [(r["labels"], pytest.approx(r["accuracy"])) for r in status]


FETCH = """
import sys
import mlflow
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("from the wheel").experiment_id
run = client.search_runs([experiment], "tags.`labelcycle.round` = '001'")[0]
[model] = client.search_logged_models([experiment], f"source_run_id = '{run.info.run_id}'")
mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=sys.argv[1])
"""
PREDICT = """
import importlib.metadata as metadata, importlib.util, json, re, sys
from pathlib import Path
from packaging.requirements import Requirement

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

def closure(lines):
    found, left = set(), [(Requirement(line), "") for line in lines]
    while left:
        need, extra = left.pop()
        if need.marker and not need.marker.evaluate({"extra": extra}):
            continue
        for wish in ("", *need.extras):
            if (plain(need.name), wish) not in found:
                found.add((plain(need.name), wish))
                try:
                    more = metadata.requires(need.name) or []
                except metadata.PackageNotFoundError:
                    continue
                left += [(Requirement(line), wish) for line in more]
    return {name for name, _ in found}

model = Path(sys.argv[1])
allowed = closure((model / "requirements.txt").read_text().split())
owners = metadata.packages_distributions()
blocked = {m for m, names in owners.items() if not allowed & set(map(plain, names))}

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is not among what the model requires", name=name)

sys.meta_path.insert(0, Block())
assert {"faiss", "dvc", "prefect", "label_studio_sdk"} <= blocked, sorted(blocked)
assert not blocked & set(sys.modules) - {"packaging"}
assert importlib.util.find_spec("labelcycle") is None
import mlflow, pandas as pd
loaded = mlflow.pyfunc.load_model(str(model))
images = [open(path, "rb").read() for path in sys.argv[2:]]
print(loaded.predict(pd.DataFrame({"image": images})).to_json(orient="records"))
import labelcycle; print(labelcycle.__file__)
"""


def test_the_logged_model_predicts_with_what_it_requires_and_nothing_else(world: World) -> None:
    """No labelcycle is installed, and no module outside of the model's requirements is found."""
    environment = world.installed.environment(
        MLFLOW_TRACKING_URI=world.services["services"]["mlflow"]["address"]
    )
    bare = world.base / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    site = bare / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    model = world.base / "model"

    def python(code: str, *words: object) -> str:
        done = subprocess.run(
            [str(bare / "bin" / "python"), "-c", code, *map(str, words)],
            cwd=world.base, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    python(FETCH, model)
    images = sorted((world.root / "data" / "images" / "000").iterdir())[:3]
    *_, predictions, where = python(PREDICT, model, *images).strip().splitlines()
    classes = (EXAMPLE / "classes.txt").read_text().split("\n")
    assert len(json.loads(predictions)) == 3
    assert all(row["label"] in classes for row in json.loads(predictions))
    assert where.startswith(str(model))


def test_prefect_knows_the_completed_flow_runs(world: World) -> None:
    runs = world.prefect("flow_runs/filter", {"limit": 200})
    done = {r["name"]: r for r in runs if r["state_type"] == "COMPLETED"}
    flows = world.prefect("flows/filter", {"limit": 50})
    flow_names = {flow["id"]: flow["name"] for flow in flows}
    # A served campaign is also checked once a day.
    of_rounds = {flow_names[r["flow_id"]] for r in done.values()} - {"check"}
    assert of_rounds == {"open-round", "collect", "close-round"}
    assert {f"from the wheel, round 1, {step}" for step in ("open", "look", "close")} <= set(done)
    assert all(name.startswith("from the wheel, round ") for name in done)
    assert set(done["from the wheel, round 1, close"]["tags"]) == {"from the wheel", "round 1"}
    # A flow that a flow starts has a task of Prefect's own beside it, which its page leaves out.
    inner = {r["parent_task_run_id"] for r in runs}
    # A task has its name from its second event on. Prefect records events later, or never where its
    # database is busy: a task that it holds as completed has had its last one.
    tasks = world.prefect("task_runs/filter", {"limit": 200})
    names = [t["name"] for t in tasks if t["state_type"] == "COMPLETED" and t["id"] not in inner]
    assert names
    assert [name for name in names if not name.startswith("from the wheel, round ")] == []
    artifacts = world.prefect("artifacts/filter", {"limit": 200})
    keys = {artifact["key"] for artifact in artifacts}
    assert {"round-001-tasks", "round-001-selection", "rounds"} <= keys


def test_verify_rebuilds_a_round_and_one_changed_byte_fails_it(world: World) -> None:
    out = world.run("verify", "round/001")
    assert f"selection: the same {BUDGET} samples in the same order" in out
    assert "round 1 is reproduced" in out
    path = world.root / "rounds" / "001" / "selection.json"
    good = path.read_bytes()
    position = good.index(b'"sample": "') + len(b'"sample": "')
    other = b"0" if good[position : position + 1] != b"0" else b"1"
    path.write_bytes(good[:position] + other + good[position + 1 :])
    try:
        out = world.run("verify", "round/001", code=1)
        assert "rounds/001/selection.json" in out
        # also when the change is hidden by a digest and a tag that agree with it
        metrics = world.root / "rounds" / "001" / "metrics.json"
        text = json.loads(metrics.read_text())
        text["digests"]["rounds/001/selection.json"] = file_digest(path)
        metrics.write_text(json.dumps(text, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        kept = world.tool("git", "rev-parse", "round/001^{commit}")
        world.tool("git", "commit", "-qam", "forged")
        world.tool("git", "tag", "-f", "-a", "round/001", "-m", "forged")
        out = world.run("verify", "round/001", code=1)
        assert "the selection differs at rank 0" in out
    finally:
        world.tool("git", "reset", "-q", "--hard", "HEAD~1")
        world.tool("git", "tag", "-f", "-a", "round/001", "-m", "as it was", kept)
    world.run("verify", "0")


def test_labels_go_out_as_csv(world: World) -> None:
    out = world.base / "labels.csv"
    world.run("export", str(out))
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    accepted = [row for row in rows if row["status"] == "accepted"]
    assert len(accepted) == 2 * BUDGET + 1
    with (EXAMPLE / "truth.csv").open() as stream:
        truth = {row["file"]: row["label"] for row in csv.DictReader(stream)}
    people = [row for row in accepted if row["round"] != "owned"]
    assert all(truth[Path(row["source"]).name] == row["label"] for row in people)


def test_a_withdrawn_sample_is_in_no_service_any_more(world: World) -> None:
    picked = json.loads((world.root / "rounds" / "001" / "selection.json").read_text())["samples"]
    sample = picked[0]["sample"]
    (image,) = (world.root / "data" / "images" / "000").glob(f"{sample}.*")
    bytes_of_it = image.read_bytes()
    text = world.run("withdraw", sample, "--reason", "consent revoked", "--yes")
    assert "MLflow: the records of the rounds are replaced" in text
    project = record(world, 0, "pushed.json")["project"]
    address = f"/api/tasks?project={project}&page_size=1000&fields=all"
    shown = world.label_studio(address)["tasks"]
    assert shown
    assert not [task for task in shown if sample in json.dumps(task)]
    exported = world.root / ".labelcycle" / "label-studio" / "export"
    private = (world.root / ".labelcycle" / name for name in ("media", "mlflow", "answers"))
    folders = [world.root / ".dvc" / "cache", *private, exported]
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert bytes_of_it not in content, path
        assert sample not in path.name
        if path.suffix in (".json", ".jsonl"):
            assert sample.encode() not in content, path
    text = world.run("verify", "round/001")
    assert "1 sample of round 1 was withdrawn on 20" in text
    assert f"({sample}); compared without it" in text


def test_a_deleted_project_is_named_and_the_round_can_be_abandoned(world: World) -> None:
    set_params(world.root, campaign={"rounds": 3})
    world.run("open")
    project = record(world, 2, "pushed.json")["project"]
    world.label_studio(f"/api/projects/{project}", method="DELETE")
    told = world.refused("run")
    assert re.search(rf"project {project} is not at http.*it was deleted or LABEL_STUDIO_URL", told)
    assert "run `labelcycle cancel --abandon` to end the round without its answers" in told
    world.run("cancel", "--abandon", "--reason", "deleted by mistake")
    states = [r["state"] for r in json.loads(world.run("status", "--json"))["rounds"]]
    assert states == ["closed", "closed", "cancelled"]


def test_served_flows_close_an_answered_round_by_themselves(world: World) -> None:
    set_params(world.root, campaign={"rounds": 4})
    world.run("open")
    world.annotate()
    serving = subprocess.Popen(
        [str(world.installed.folder / "bin" / "labelcycle"), "serve", "--every", "10"],
        cwd=world.root,
        env=world.installed.environment(PREFECT_RUNNER_POLL_FREQUENCY="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        give_up = time.monotonic() + 600
        while "round/003" not in world.tool("git", "tag").split():
            assert serving.poll() is None, serving.communicate()
            assert time.monotonic() < give_up, "no scheduled flow closed the round"
            time.sleep(1)
    finally:
        serving.send_signal(signal.SIGINT)
        try:
            print(serving.communicate(timeout=60)[0])
        except subprocess.TimeoutExpired:
            serving.kill()
            serving.communicate()


def test_label_studio_down_is_named(world: World) -> None:
    world.run("open")
    world.run("down")
    address = world.services["services"]["label_studio"]["address"]
    out = world.run("status")
    assert f"Label Studio does not answer at {address}" in out
    told = world.refused("run")
    assert re.search(r"does not answer .*run `labelcycle up`", told)
