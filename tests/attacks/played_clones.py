"""What the author of a campaign can do to whoever clones or copies it."""

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from cycle.squares import SETTINGS

from attacks import Try, attack, clones
from labelcycle import config
from labelcycle.adapters import git, lock
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import Campaign, read_samples
from labelcycle.cycle import past_rounds, task_images
from labelcycle.errors import LabelcycleError
from labelcycle.rounds import code_file, snapshot
from labelcycle.rounds.snapshot import Standing
from labelcycle.stages.sample_images import load_images

MODULES = ("random.py", "click.py", "torch.py", "dvc/__init__.py", "labelcycle/__init__.py")


@attack("modules in a cloned campaign run in place of ours", slow=True)
def shadowing_modules(folder: Path) -> Iterable[Try]:
    mark = folder / "ran"
    code = f"open({str(mark)!r}, 'a').write(__file__ + ' ')\nraise SystemExit(3)\n"
    root = clones.cloned(folder, dict.fromkeys(MODULES, code))
    clones.make_images(folder / "more", 1)

    def ran() -> bool:
        found = mark.exists()
        mark.unlink(missing_ok=True)
        return found

    with clones.identity():
        clones.run(root, "ingest", str(folder / "more"))
        yield Try("at an ingest, which starts DVC", ran())
        with contextlib.suppress(LabelcycleError):
            past_rounds._compute(Campaign(root), ("pretrain",))
        yield Try("at a stage that verify computes", ran())
    words = [sys.executable, "-m", "labelcycle", "status"]
    shutil.rmtree(root / "labelcycle")
    subprocess.run(words, cwd=root, capture_output=True)
    yield Try("at python -m labelcycle, without a folder of that name", ran())


@attack("another dvc.yaml in a cloned campaign is obeyed", slow=True)
def another_pipeline(folder: Path) -> Iterable[Try]:
    mark = folder / "ran"
    nested = f"stages:\n  x:\n    cmd: echo x > {mark}; touch ../../code.json\n"
    nested += "    outs:\n    - ../../code.json:\n        cache: false\n"
    root = clones.cloned(folder, {"docs/more/dvc.yaml": nested})
    with clones.identity():
        try:
            snapshot.ready(root)
            told = False
        except LabelcycleError:
            told = True
        yield Try("nobody is told", not told)
        code_file.refresh_code(Campaign(root), config.parse(SETTINGS))
        with contextlib.suppress(LabelcycleError):
            commands.repro(root, "pretrain")
    yield Try("its command runs", mark.exists())


@attack("a remote that came with a clone gets the data", slow=True)
def inherited_remote(folder: Path) -> Iterable[Try]:
    store = folder / "store"
    remote = f"{commands.SETTINGS}['remote \"away\"']\n    url = {store}\n"
    settings = remote.replace("[core]\n", "[core]\n    remote = away\n")
    root = clones.cloned(folder, {".dvc/config": settings})
    with contextlib.suppress(LabelcycleError):
        commands.add(root, ["data/images"])
        if commands.has_remote(root):
            commands.push(root)
    yield Try("by a push", store.exists() and any(store.rglob("*")))


@attack("a list of files of a clone's data writes outside of it", slow=True)
def lists_that_lead_out(folder: Path) -> Iterable[Try]:
    root = folder / "campaign"
    shutil.copytree(clones.original(), root)
    path = root / "data" / "images.dvc"
    (before,) = re.findall(r"md5: (\w+)\.dir", path.read_text())
    cache = root / ".dvc" / "cache" / "files" / "md5"
    entries = json.loads((cache / before[:2] / f"{before[2:]}.dir").read_text())
    entries.append({**entries[0], "relpath": "../../../evil"})
    text = json.dumps(entries)
    after = hashlib.md5(text.encode()).hexdigest()
    (cache / after[:2]).mkdir(exist_ok=True)
    (cache / after[:2] / f"{after[2:]}.dir").write_text(text)
    path.write_text(path.read_text().replace(before, after))
    with clones.identity():
        git.commit(root, ["data"], "data")
        now = snapshot.read(root)
        with (
            contextlib.suppress(LabelcycleError),
            past_rounds.restored(now, "HEAD", ("data/images.dvc",)) as copy,
        ):
            found = copy.root.parent.rglob("evil")
            yield Try("where verify brings data in", any(found))
            return
    yield Try("where verify brings data in", False)


@attack("a copied repository's own settings run programs")
def copied_repository(folder: Path) -> Iterable[Try]:
    root = folder / "campaign"
    root.mkdir()
    (root / "params.yaml").write_text(config.print_params(config.parse(SETTINGS)))
    clones.git(root, "init", "-q", "-b", "main")
    with clones.identity():
        clones.git(root, "add", "params.yaml")
        clones.git(root, "commit", "-q", "-m", "campaign")
    for kind, settings in {
        "core.fsmonitor": {"core.fsmonitor": "{}"},
        "a hook": {"core.hooksPath": str(folder / "hooks")},
        "gpg.program": {"commit.gpgSign": "true", "gpg.program": "{}"},
    }.items():
        mark, program = folder / "ran", folder / "program"
        program.write_text(f"#!/bin/sh\necho ran > {mark}\nexit 1\n")
        program.chmod(0o755)
        (folder / "hooks").mkdir(exist_ok=True)
        for hook in ("post-commit", "reference-transaction", "post-checkout"):
            shutil.copy(program, folder / "hooks" / hook)
        for key, value in settings.items():
            clones.git(root, "config", key, value.format(program))
        (root / "params.yaml").write_text((root / "params.yaml").read_text() + f"# {kind}\n")
        with clones.identity(), contextlib.suppress(LabelcycleError):
            snapshot.read(root)
            git.dirty(root, ())
            git.commit(root, ["params.yaml"], "settings")
        yield Try(kind, mark.exists())
        mark.unlink(missing_ok=True)
        for key in settings:
            clones.git(root, "config", "--unset", key)


@attack("ids and files of samples.jsonl lead out of the campaign")
def names_that_lead_out(folder: Path) -> Iterable[Try]:
    campaign = Campaign(folder / "campaign")
    clones.make_images(folder / "private", 1)
    (secret,) = (folder / "private").iterdir()
    campaign.images.mkdir(parents=True)
    record = {"source": "", "split": "pool", "width": 16, "height": 16, "notes": []}
    good, name = "0" * 16, f"../../../private/{secret.name}"
    for what, sample in {
        "a file above is read": {"id": good, "file": name},
        "an absolute file is read": {"id": good, "file": str(secret)},
    }.items():
        campaign.samples.write_text(json.dumps({**record, **sample}) + "\n")
        try:
            read = len(load_images(campaign, read_samples(campaign.samples), 16)) > 0
        except LabelcycleError:
            read = False
        yield Try(what, read)
    shutil.copy(secret, campaign.images / f"{good}.png")
    away = {"id": "../../../away/evil", "file": f"{good}.png"}
    campaign.samples.write_text(json.dumps({**record, **away}) + "\n")
    now = Standing(campaign, config.parse(SETTINGS), frozenset(), 0, State.DUE)
    with contextlib.suppress(LabelcycleError):
        task_images.image(now, read_samples(campaign.samples)[0])
    yield Try("a file is written above", any(folder.rglob("evil*")))


@attack("a key or password is left where others read it")
def secrets_left_behind(folder: Path) -> Iterable[Try]:
    path = folder / ".labelcycle" / "campaign.lock"
    words = ["labelcycle", "-C", "x", "ingest", "https://host/a.png?X-Amz-Signature=SECRET"]
    with mock.patch.object(sys, "argv", words), lock.exclusive(path):
        yield Try("in the lock file", "SECRET" in path.read_text())
        yield Try("the lock file is open to others", bool(path.stat().st_mode & 0o077))
    campaign = Campaign(folder)
    address = {"LABEL_STUDIO_API_KEY": "t", "LABEL_STUDIO_HOST": "https://me:SECRET@label.org"}
    for url in ("https://me:SECRET@label.org", "https://label.org"):
        try:
            backend = LabelStudioBackend(campaign, {**address, "LABEL_STUDIO_URL": url})
            told = backend.work_url(1) + repr(backend)
        except LabelcycleError as error:
            told = str(error)
        yield Try(
            f"in what is recorded and told of {url.replace('SECRET', '...')}", "SECRET" in told
        )
