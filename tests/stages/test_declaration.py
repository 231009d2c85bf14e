"""A stage is declared once: the pipeline, the command and the run all follow from the entry."""

import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from params import set_params

from labelcycle import config
from labelcycle.campaign import labels
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import write_labels
from labelcycle.rounds import code_json
from labelcycle.stages import declaration
from labelcycle.stages.declaration import STAGES, Stage

PACKAGE = Path(declaration.__file__).parents[1]

ENTRY = """
    Stage(
        "count",
        "counting the files of labels",
        phases=(CLOSING,),
        deps=(layout.LABELS,),
        settings={"names": CLASSES, "rng": SEED},
        outs=("work/count.json",),
        shows=True,
    ),
"""
FUNCTION = '''
"""Stage `count`: how many files of labels there are."""

from labelcycle.campaign.json_files import write_json
from labelcycle.nn.progress import Progress


def run(campaign, names, rng, show):
    """Write work/count.json."""
    files = sorted(path.name for path in campaign.labels.iterdir())
    show(Progress(1, 1))
    drawn = int(rng.integers(1000))
    write_json(campaign.work / "count.json", {"files": files, "names": names, "drawn": drawn})
'''


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package whose declaration has one stage more; its folder."""
    folder = tmp_path / "copy"
    shutil.copytree(PACKAGE, folder / "labelcycle", ignore=shutil.ignore_patterns("__pycache__"))
    stages = folder / "labelcycle" / "stages"
    declared = (stages / "declaration.py").read_text(encoding="utf-8")
    head, mark, rest = declared.partition('\n)\n"""Each after those')
    assert mark
    (stages / "declaration.py").write_text(head + ENTRY.rstrip() + mark + rest, encoding="utf-8")
    (stages / "count.py").write_text(FUNCTION, encoding="utf-8")
    return folder


def python(folder: Path, *words: str) -> str:
    """What this Python prints with the copy before the package."""
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_stage_that_is_declared_is_in_the_pipeline_and_in_the_help_and_runs(copied: Path):
    made = yaml.safe_load(python(copied, "-m", "labelcycle.stages.declaration"))["stages"]
    assert list(made) == [*declaration.names(), "count"]
    assert made["count"] == {
        "cmd": "labelcycle stage count",
        "deps": ["data/labels"],
        "params": ["campaign.classes", "campaign.seed", {"code.json": ["count"]}],
        "outs": ["work/count.json"],
    }
    told = python(copied, "-m", "labelcycle", "stage", "--help")
    assert "query|evaluate|count}" in "".join(told.split())

    campaign = Campaign(copied / "campaign")
    campaign.labels.mkdir(parents=True)
    set_params(campaign.root, campaign={"name": "small", "classes": ["cat", "dog"]})
    labels.write_migrations(campaign, ())
    write_labels(campaign.label_file(0), [])
    python(copied, "-m", "labelcycle", "-C", str(campaign.root), "stage", "count")
    written = json.loads((campaign.work / "count.json").read_text())
    assert written.pop("drawn") in range(1000)
    assert written == {"files": ["000.jsonl"], "names": ["cat", "dog"]}
    closing = "from labelcycle.stages import declaration as d; print(d.names(d.CLOSING))"
    assert python(copied, "-c", closing) == "('train', 'evaluate', 'count')\n"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_function_takes_just_what_is_declared(stage: Stage):
    taken = set(inspect.signature(stage.load()).parameters)
    assert taken == {"campaign", *stage.settings, *(("show",) if stage.shows else ())}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_setting_is_one_of_params_yaml(stage: Stage):
    for key in filter(None, (*stage.settings.values(), stage.processes)):
        config.Config().at(key)
    assert set(stage.plug_ins) <= set(config.PLUG_INS)


def test_a_stage_comes_behind_those_that_make_its_inputs():
    makers = {out: number for number, stage in enumerate(STAGES) for out in stage.outs}
    for number, stage in enumerate(STAGES):
        assert [dep for dep in stage.deps if makers.get(dep, -1) >= number] == []


def test_the_order_of_a_round():
    assert declaration.names("opening") == ("pretrain", "embed", "train", "cluster", "query")
    assert declaration.names("closing") == ("train", "evaluate")


def test_another_declaration_of_a_stage_is_other_code(monkeypatch: pytest.MonkeyPatch):
    """DVC sees keys alone: who gets which value is in the digest of the stage's code."""
    before = code_json.digests_of(config.Config())
    train = declaration.find("train")
    swapped = {**train.settings, "seed": "campaign.rounds"}
    changed = Stage(**{**vars(train), "settings": swapped})
    stages = tuple(changed if stage is train else stage for stage in STAGES)
    monkeypatch.setattr(code_json, "STAGES", stages)
    after = code_json.digests_of(config.Config())
    assert [name for name in before if before[name] != after[name]] == ["train"]
    reworded = Stage(**{**vars(train), "doing": "learning"})  # no reason to train again
    monkeypatch.setattr(
        code_json, "STAGES", tuple(reworded if stage is train else stage for stage in STAGES)
    )
    assert code_json.digests_of(config.Config()) == before
