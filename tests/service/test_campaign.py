"""A whole campaign from the wheel: real Label Studio, MLflow, Prefect, DVC and git, real images.

The tests run in order and share one campaign, as its owner would; the file of true classes is
there only while the simulated people look at it.
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
from wheel import REPOSITORY, Installed

pytestmark = pytest.mark.service

EXAMPLE = REPOSITORY / "examples" / "fashion"
IMAGES = 260
HOLDOUT = 40
BUDGET = 8


class World:
    """The campaign under test and its owner's commands."""

    def __init__(self, installed: Installed, base: Path) -> None:
        self.installed = installed
        self.base = base
        self.root = base / "campaign"
        self.truth = base / "secret" / "truth.csv"

    def run(self, *words: str, code: int = 0, **more: str) -> str:
        return self.installed.run(self.root, *words, code=code, **more)

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

    def ask(self, service: str, path: str, body: Any = None, **headers: str) -> Any:
        address = self.services["services"][service]["address"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            address + path, data, {"Content-Type": "application/json", **headers}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def label_studio(self, path: str) -> Any:
        return self.ask("label_studio", path, Authorization=f"Token {self.services['token']}")


@pytest.fixture(scope="module")
def world(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("world")
    with tarfile.open(EXAMPLE / "images.tar.xz") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda m: m.name)
        archive.extractall(base / "images", members[:IMAGES], filter="data")
    (base / "images" / "broken.png").write_bytes(b"no image")
    world = World(installed, base)
    classes = ",".join((EXAMPLE / "classes.txt").read_text().split("\n")).strip(",")
    installed.run(base, "init", "campaign", "--name", "from the wheel", "--classes", classes)
    params = world.root / "params.yaml"
    text = params.read_text()
    for old, new in (
        ("holdout: 200", f"holdout: {HOLDOUT}"),
        ("budget: 50", f"budget: {BUDGET}"),
        ("rounds: 10", "rounds: 2"),
    ):
        assert old in text
        text = text.replace(old, new)
    params.write_text(text)
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
    samples = [json.loads(x) for x in (world.root / "data/samples.jsonl").read_text().splitlines()]
    pool = [s for s in samples if s["split"] == "pool"][:2]
    owned = world.base / "owned.csv"
    owned.write_text(f"sample,label\n{pool[0]['id']},Bag\n{pool[1]['id']},Zebra\n")
    out = world.run("import-labels", str(owned))
    assert "1 labels accepted, 1 rejected" in out
    assert "Zebra" in out


def test_without_services_the_remedy_is_named(world: World) -> None:
    out = world.run("doctor", code=1)
    assert "FAIL Label Studio: LABEL_STUDIO_URL is not set -> run `labelcycle up`" in out
    out = world.run("run", code=1, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert re.search(r"labelcycle: Prefect at http://127.0.0.1:9/api does not answer .*up", out)


def test_services_come_up_and_the_doctor_is_content(world: World) -> None:
    out = world.run("up")
    assert "log in to Label Studio as" in out
    assert "FAIL" not in world.run("doctor")


def test_killed_anywhere_the_round_opens_once(world: World) -> None:
    """Kill -9 in the middle of `run` again and again, then let it end."""
    for after in (4.0, 9.0, 15.0, 22.0):
        process = world.installed.start(world.root, "run")
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        else:
            break
    out = world.run("run")
    assert f"round 0: 0 answered, 0 skipped of {BUDGET + HOLDOUT} tasks" in out
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
        "import sys, time; from pathlib import Path; from labelcycle.adapters import lock\n"
        "with lock.exclusive(Path('.labelcycle/campaign.lock').resolve()):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [str(world.installed.python), "-c", lock],
        cwd=world.root, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    try:
        out = world.run("run", code=75)
        assert re.search(rf"is in use by process {holder.pid} .*wait until it has ended", out)
    finally:
        holder.kill()
        holder.communicate()


def test_a_wrong_token_is_named_and_not_shown(world: World) -> None:
    out = world.run("collect", code=1, LABEL_STUDIO_API_KEY="f" * 40)
    assert "LABEL_STUDIO_API_KEY" in out
    assert "f" * 40 not in out


def test_people_answer_and_a_kill_while_closing_loses_nothing(world: World) -> None:
    assert f"{BUDGET + HOLDOUT} answered" in world.annotate()
    process = world.installed.start(world.root, "run")
    time.sleep(14)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
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
    assert "all 2 rounds of campaign.rounds are closed" in out
    assert world.tool("git", "tag").split() == ["open/000", "open/001", "round/000", "round/001"]


def test_mlflow_holds_each_round_once_and_one_curve(world: World) -> None:
    world.run("run")  # telling it again changes nothing
    [experiment] = [
        e
        for e in world.ask("mlflow", "/api/2.0/mlflow/experiments/search", {"max_results": 50})[
            "experiments"
        ]
        if e["name"] == "from the wheel"
    ]
    runs = world.ask(
        "mlflow",
        "/api/2.0/mlflow/runs/search",
        {"experiment_ids": [experiment["experiment_id"]], "max_results": 50},
    )["runs"]
    tags = [{t["key"]: t["value"] for t in run["data"]["tags"]} for run in runs]
    assert sorted(t["labelcycle.round"] for t in tags if "labelcycle.round" in t) == ["000", "001"]
    [parent] = [r for r, t in zip(runs, tags, strict=True) if "labelcycle.strategy" in t]
    curve = world.ask(
        "mlflow",
        f"/api/2.0/mlflow/metrics/get-history?run_id={parent['info']['run_id']}"
        "&metric_key=accuracy",
    )["metrics"]
    wanted = [(r["labels"], r["accuracy"]) for r in
              json.loads(world.run("status", "--json"))["rounds"]]  # fmt: skip
    assert sorted((p["step"], p["value"]) for p in curve) == [
        (labels, pytest.approx(accuracy)) for labels, accuracy in wanted
    ]


def test_the_logged_model_predicts_without_labelcycle_installed(world: World) -> None:
    """In a process that can import labelcycle from nowhere but the model's own code."""
    code = """
import sys
import mlflow, pandas as pd
sys.path = [p for p in sys.path if "labelcycle" not in p]
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("from the wheel").experiment_id
run = client.search_runs([experiment], "tags.`labelcycle.round` = '001'")[0]
[model] = client.search_logged_models([experiment], f"source_run_id = '{run.info.run_id}'")
loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
images = [open(path, "rb").read() for path in sys.argv[1:]]
print(loaded.predict(pd.DataFrame({"image": images})).to_json(orient="records"))
import labelcycle; print(labelcycle.__file__)
"""
    images = sorted((world.root / "data" / "images").iterdir())[:3]
    environment = world.installed.environment(
        MLFLOW_TRACKING_URI=world.services["services"]["mlflow"]["address"]
    )
    bare = world.base / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    site = bare / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    done = subprocess.run(
        [str(bare / "bin" / "python"), "-c", code, *map(str, images)],
        cwd=world.base, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *_, predictions, where = done.stdout.strip().splitlines()
    classes = (EXAMPLE / "classes.txt").read_text().split("\n")
    assert all(row["label"] in classes for row in json.loads(predictions))
    assert "site-packages" not in where


def test_prefect_knows_the_completed_flow_runs(world: World) -> None:
    runs = world.ask("prefect", "/api/flow_runs/filter", {"limit": 200})
    done = {r["name"]: r for r in runs if r["state_type"] == "COMPLETED"}
    flows = world.ask("prefect", "/api/flows/filter", {"limit": 50})
    names = {flow["id"]: flow["name"] for flow in flows}
    assert {names[r["flow_id"]] for r in done.values()} == {"open-round", "collect", "close-round"}
    artifacts = world.ask("prefect", "/api/artifacts/filter", {"limit": 200})
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
        from labelcycle.store import file_digest

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


def test_a_deleted_project_is_named_and_the_round_can_be_abandoned(world: World) -> None:
    params = world.root / "params.yaml"
    params.write_text(params.read_text().replace("rounds: 2", "rounds: 3"))
    world.run("open")
    project = record(world, 2, "pushed.json")["project"]
    request = urllib.request.Request(
        f"{world.services['services']['label_studio']['address']}/api/projects/{project}",
        headers={"Authorization": f"Token {world.services['token']}"},
        method="DELETE",
    )
    urllib.request.urlopen(request, timeout=60).close()
    out = world.run("run", code=1)
    assert re.search(rf"project {project}.*", out)
    out = world.run("cancel", "--abandon", "--reason", "deleted by mistake")
    states = [r["state"] for r in json.loads(world.run("status", "--json"))["rounds"]]
    assert states == ["closed", "closed", "cancelled"]


def test_label_studio_down_is_named(world: World) -> None:
    world.run("open")
    world.run("down")
    address = world.services["services"]["label_studio"]["address"]
    out = world.run("status")
    assert f"Label Studio does not answer at {address}" in out
    out = world.run("run", code=1)
    assert "does not answer" in out
