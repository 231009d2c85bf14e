"""What one round leaves behind, name by name: records, commits and tags."""

import datetime
from pathlib import Path

from dvc.scm import Git  # type: ignore[import-untyped]

from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json, value_digest
from labelcycle.campaign.sample_files import read_samples
from labelcycle.core.digests import file_digest
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import record_digests


def log(root: Path) -> list[list[str]]:
    """Subject, body and files of each commit, newest first."""
    text = git._git(root, "log", "--format=%x00%s%x01%b%x01", "--name-only")
    parts = [each.split("\x01") for each in text.split("\0")[1:]]
    return [[subject, body.strip(), *files.split()] for subject, body, files in parts]


def test_the_commits_of_a_round(closed: Campaign) -> None:
    (last, first, images, named, made) = log(closed.root)
    assert last[:2] == ["Close round 0: 4 labels, accuracy 1.000", ""]
    assert {name for name in last[2:] if not name.startswith("work/")} == {
        "data/holdout.jsonl",  # without DVC, the bytes themselves
        "data/labels/000.jsonl",
        "rounds/000/annotations.jsonl",
        "rounds/000/corrections.jsonl",
        "rounds/000/metrics.json",
    }
    assert first[:2] == ["Open round 0: typiclust", ""]
    assert {name for name in first[2:] if not name.startswith("work/")} == {
        "code.json",
        "data/pool.json",
        "rounds/000/plan.json",
        "rounds/000/pushed.json",
        "rounds/000/selection.json",
    }
    assert images[:2] == ["Ingest: 24 samples in the pool, 6 in the hold-out", ""]
    assert {name for name in images[2:] if not name.startswith("data/images/")} == {
        "data/cohorts.json",
        "data/quarantine.jsonl",
        "data/samples/000.jsonl",
        "data/samples/000.npz",
    }
    assert named == ["Name the campaign", "", "campaign.json"]
    assert made == [
        "New campaign",
        "",
        ".dvcignore",
        ".gitattributes",
        ".gitignore",
        "data/holdout.jsonl",
        "data/labels/owned.jsonl",
        "dvc.yaml",
        "params.yaml",
        "schema.json",
    ]
    tags = git._git(closed.root, "for-each-ref", "--format=%(refname) %(subject)", "refs/tags")
    assert tags.splitlines() == [
        "refs/tags/open/000 Open round 0: typiclust",
        "refs/tags/round/000 Close round 0: 4 labels, accuracy 1.000",
    ]
    assert not git.dirty(closed.root, [])


def test_the_plan_of_a_round(closed: Campaign) -> None:
    snapshot = snapshots.read(closed.root)
    plan = read_json(closed.round(0) / "plan.json")
    assert {
        name: plan[name]
        for name in ("budget", "campaign", "classes", "files", "labels", "round", "seed")
    } == {
        "budget": 4,
        "campaign": snapshot.key,
        "classes": ["dark", "light"],
        "files": {},
        "labels": 0,
        "round": 0,
        "seed": 0,
    }
    assert plan["strategy"] == "typiclust"
    assert (plan["cohorts"], plan["encoder"], plan["pool"], plan["holdout"]) == (1, 1, 24, 6)
    manifests = {"000": file_digest(closed.samples / "000.jsonl")}
    assert read_json(closed.pool) == {"version": 1, "cohorts": manifests, "encoder": manifests}
    assert plan["digests"]["pool"] == value_digest(manifests)
    assert plan["digests"]["params"] == snapshot.config.digest
    assert plan["digests"].keys() == {"owned", "params", "pool", "schema"}
    assert is_recent(plan["planned"])


def is_recent(time: str) -> bool:
    passed = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(time)
    return datetime.timedelta(0) <= passed < datetime.timedelta(hours=1)


def test_what_was_asked_in_a_round(closed: Campaign, backend) -> None:
    snapshot = snapshots.read(closed.root)
    pushed = read_json(closed.round(0) / "pushed.json")
    assert (pushed["backend"], pushed["model"]) == ("files", None)
    assert pushed["project"] == backend.sql("SELECT number FROM project")[0][0]
    assert pushed["url"].endswith("/.labelcycle/annotation.sqlite3")
    assert is_recent(pushed["pushed"])
    assert pushed["schema"]["classes"] == ["dark", "light"]
    said = pushed["schema"]["instruction"]  # nothing of guesses, in round 0
    assert said == "Choose the class of the image. If no class fits, say why."
    selection = [each["sample"] for each in read_json(closed.selection)["samples"]]
    held = [sample.id for sample in read_samples(closed.samples, "holdout")]
    asked = pushed["tasks"]
    assert [task["sample"] for task in asked][:4] == selection
    assert {task["sample"] for task in asked[4:]} == set(held)
    for rank, task in enumerate(asked):
        sample = task["sample"]
        assert task == {
            "display": {"image": f".labelcycle/media/images/{sample}-32.png"},
            "key": f"{snapshot.key}/000/{sample}",
            "kind": "selected" if rank < 4 else "holdout",
            "predicted": None,
            "rank": rank,
            "sample": sample,
            "shown": False,
            "task": backend.ids[task["key"]],
            "wanted": 1,
        }


def test_the_figures_of_a_round(closed: Campaign) -> None:
    metrics = read_json(closed.round(0) / "metrics.json")
    counts = {name: value for name, value in metrics.items() if isinstance(value, int)}
    assert counts == {
        "accepted": 4,
        "bought": 10,
        "budget": 4,
        "cancelled": False,
        "holdout": 6,
        "labels": 4,
        "rejected": 0,
        "returned": 0,
        "round": 0,
        "tasks": 10,
        "undone": 0,
        "version": 2,
    }
    assert (metrics["ended"], metrics["strategy"]) == ("complete", "typiclust")
    assert metrics["classes"] == ["dark", "light"]
    assert is_recent(metrics["closed"])
    assert metrics["digests"] == record_digests(closed, 0)
    assert set(metrics["digests"]) == {
        "data/labels/000.jsonl",
        *(
            f"rounds/000/{name}"
            for name in (
                "annotations.jsonl",
                "corrections.jsonl",
                "plan.json",
                "pushed.json",
                "selection.json",
            )
        ),
    }
    assert metrics["corrections"] == {
        "added": 0,
        "by": {},
        "deleted": 0,
        "edited": 0,
        "labels": 0,
        "tasks": 0,
        "waiting": [],
    }
    assert metrics["people"] == {
        "adjudicate": 0,
        "alpha": None,
        "alpha_round": None,
        "annotators": {
            "ann": {
                "agreement_with_others": None,
                "answers": 10,
                "compared": 0,
                "recall": None,
                "skill": None,
            }
        },
        "answers": 10,
        "cost": {
            "all": cost(10),
            "by_annotator": {"ann": cost(10)},
            "by_class": {"dark": cost(7), "light": cost(3)},
            "by_strategy": {"holdout": cost(6), "typiclust": cost(4)},
            "cap": 300.0,
            "without_label": cost(0) | {"median": None, "per_label": None},
        },
        "gold": {"annotators": {}, "below": []},
        "method": {"instead": None, "used": "majority"},
        "no_class": {"answers": 0, "names": []},
        "seconds": 15.0,
        "seconds_per_answer": 1.5,
        "seconds_per_label": 1.5,
        "skipped": 0,
        "skips": {},
        "unsettled": 0,
    }
    nothing = {
        "bias": None,
        "blind": 0,
        "blind_agreement": None,
        "errors": {"blind": None, "shown": None},
        "override_rate": None,
        "shown": 0,
    }
    assert metrics["preannotation"] == {**nothing, "campaign": nothing}


def cost(answers: int) -> dict[str, float]:
    """Of answers that took 1.5 s each."""
    return {
        "answers": answers,
        "capped": 0,
        "labels": answers,
        "median": 1.5,
        "per_label": 1.5,
        "seconds": 1.5 * answers,
        "timed": answers,
    }


def test_what_git_and_dvc_leave_out(closed: Campaign) -> None:
    ignored = (closed.root / ".gitignore").read_text().splitlines()
    assert {"/.labelcycle/", "*.part"} <= set(ignored)
    assert "*.part" in (closed.root / ".dvcignore").read_text().splitlines()
    assert "* -text -ident -filter" in (closed.root / ".gitattributes").read_text().splitlines()
    assert len(ignored) == len(set(ignored))
    by_dvc = Git(str(closed.root)).is_ignored  # which looks for .dvc files in no ignored folder
    assert by_dvc(f"{closed.cohort_images(0)}/")
    assert not by_dvc(f"{closed.images}/")
