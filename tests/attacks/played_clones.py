"""What the author of a campaign can do to whoever clones or copies it."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

from made_records import metrics
from squares import SETTINGS

from attacks import Try, attack, clones
from labelcycle import config
from labelcycle.adapters import git, lock, programs, s3
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import read_samples
from labelcycle.cycle import past_rounds, task_images, verify_round
from labelcycle.errors import LabelcycleError
from labelcycle.rounds import code_json, snapshots
from labelcycle.rounds.snapshots import Snapshot
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
            verify_round._compute(Campaign(root), ("pretrain",))
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
            snapshots.ready(root)
            told = False
        except LabelcycleError:
            told = True
        yield Try("nobody is told", not told)
        code_json.refresh_code(Campaign(root), config.parse(SETTINGS))
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
        commands.add(root, ["data/images/000"])
        if commands.has_remote(root):
            commands.push(root)
    yield Try("by a push", store.exists() and any(store.rglob("*")))


@attack("data that a clone pulls are written over what is not theirs", slow=True)
def data_in_other_places(folder: Path) -> Iterable[Try]:
    secret = b'{"services": {"label_studio": {"address": "http://evil.example"}}}'
    params = (clones.original() / "params.yaml").read_bytes() + b"# evil\n"
    evil = b'active = "evil"\n'
    away = "stages:\n  pretrain:\n    cmd: labelcycle stage pretrain\n    outs: [.labelcycle/x]\n"
    kinds: dict[str, tuple[str, str, bytes | dict[str, bytes]]] = {
        "over the folder of secrets": (".", ".labelcycle", {"services.json": secret, "x": evil}),
        "over the settings": (".", "params.yaml", params),
        "beside the campaign's data": (".", "sitecustomize.py", evil),
        "over what git obeys": ("data", ".gitattributes", evil),
        "as a pipeline": ("data", "dvc.yaml", b"stages: {x: {cmd: id}}"),
        "outside, by a list of names": ("data", "more", {"../../evil": evil}),
        "by the pipeline's own outs": ("", ".labelcycle/x", evil),
    }
    for what, (place, name, content) in kinds.items():
        own = folder / what.split(",")[0].replace(" ", "-")
        own.mkdir()
        store = shutil.copytree(clones.original() / ".dvc" / "cache", own / "store")
        digest = clones.stored(store, content)
        remote = f"{commands.SETTINGS}['remote \"away\"']\n    url = {store}\n"
        files = {
            ".dvc/config": remote.replace("[core]\n", "[core]\n    remote = away\n"),
            ".dvcignore": "/.labelcycle/dvc\n/.labelcycle/*.lock\n/.labelcycle/*.json\n",
        }
        if place:
            out = f"outs:\n- md5: {digest}\n  hash: md5\n  path: {name}\n"
            files[f"{place}/evil.dvc"] = out
        else:
            entry = f"- {{path: {name}, hash: md5, md5: {digest}}}\n"
            files["dvc.yaml"] = away
            command = "cmd: labelcycle stage pretrain"
            files["dvc.lock"] = (
                f"schema: '2.0'\nstages:\n  pretrain:\n    {command}\n    outs:\n    {entry}"
            )
        root = clones.cloned(own, files)
        for words in ("status", "trust", "pull"):
            clones.run(root, words)
        text = content if isinstance(content, bytes) else evil
        found = [p for p in own.rglob("*") if p.is_file() and not p.is_relative_to(store)]
        cache = root / ".dvc" / "cache"
        there = [p for p in found if not p.is_relative_to(cache) and p.read_bytes() == text]
        yield Try(what, bool(there))


@attack("attributes make a remote that a pull brings one's own change", slow=True)
def attributes(folder: Path) -> Iterable[Try]:
    for kind, text, ends in (("text eol=crlf", "", "\r\n"), ("ident", "# $Id: x$\n", "\n")):
        own = folder / kind.split()[0]
        own.mkdir()
        store, root = own / "store", clones.cloned(own, {"notes": ""})
        snapshots.check_safe(Campaign(root))
        commands.add(root, ["data/images/000"])
        remote = f"{commands.SETTINGS}['remote \"away\"']\n    url = {store}\n{text}"
        settings = remote.replace("[core]\n", "[core]\n    remote = away\n")
        author = own / "author"
        (author / ".gitattributes").write_text(f".dvc/config {kind}\n")
        with clones.identity():
            clones.git(author, "add", ".gitattributes")
            clones.add_as_it_is(author, ".dvc/config", settings.replace("\n", ends).encode())
            clones.git(author, "commit", "-q", "-m", kind)
        clones.git(root, "pull", "-q")
        with contextlib.suppress(LabelcycleError):
            if commands.has_remote(root):
                commands.push(root)
        yield Try(f"by {kind}", store.exists() and any(store.rglob("*")))


@attack("a link in a campaign has a private file committed", slow=True)
def links(folder: Path) -> Iterable[Try]:
    secret = folder / "secret"
    secret.write_text("PRIVATE\n")
    names = (".gitignore", ".gitattributes", ".dvcignore", "schema.json", "params.yaml")
    for name in names:
        own = folder / name.strip(".")
        own.mkdir()
        root = clones.cloned(own, {"notes": ""})
        (root / name).unlink()
        (root / name).symlink_to(secret)
        with clones.identity():
            clones.git(root, "add", "--force", name)
            clones.git(root, "commit", "-q", "-m", "as its author has it")
            clones.run(root, "init", ".")
        yield Try(f"by {name}", "PRIVATE" in clones.head_of(root, name))
        yield Try(f"{name} is written through", secret.read_text() != "PRIVATE\n")


@attack("a list of files of a clone's data writes outside of it", slow=True)
def lists_that_lead_out(folder: Path) -> Iterable[Try]:
    root = folder / "campaign"
    shutil.copytree(clones.original(), root)
    path = root / "data" / "images" / "000.dvc"
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
        snapshot = snapshots.read(root)
        with (
            contextlib.suppress(LabelcycleError),
            past_rounds.restored(snapshot, "HEAD", ("data/images/000.dvc",)) as copy,
        ):
            found = copy.root.parent.rglob("evil")
            yield Try("where verify brings data in", any(found))
            return
    yield Try("where verify brings data in", False)


@attack("the second revision that verify works at leads out of the campaign", slow=True)
def second_revision(folder: Path) -> Iterable[Try]:
    root, out = folder / "campaign", folder / "home"
    shutil.copytree(clones.original(), root)
    out.mkdir()
    digest = clones.stored(root / ".dvc" / "cache", {"authorized_keys": b"EVIL"})
    lock = "schema: '2.0'\nstages:\n  embed:\n    cmd: labelcycle stage embed\n    outs:\n"
    lock += f"    - {{path: work/features, hash: md5, md5: {digest}}}\n"
    with clones.identity():
        clones.git(root, "tag", "before")
        shutil.rmtree(root / "work", ignore_errors=True)
        (root / "work").symlink_to(out)
        (root / "dvc.lock").write_text(lock)
        clones.git(root, "add", "--all")
        clones.git(root, "commit", "-q", "-m", "round")
        clones.git(root, "tag", "after")
        clones.git(root, "revert", "--no-edit", "HEAD")
        snapshot = snapshots.read(root)
        with past_rounds.restored(snapshot, "before", ("data/samples.dvc",)) as copy:
            git.switch(copy.root, "after")
            with contextlib.suppress(LabelcycleError):
                past_rounds.bring(snapshot, copy, ("work/features",))
    yield Try("by a link", any(out.iterdir()))


READS = """
import sys
from pathlib import Path
from labelcycle.rounds import snapshots
from labelcycle.campaign.records.round_records import Memory, RoundRecords
from labelcycle.campaign.campaign_paths import Campaign
snapshots.check_closed(RoundRecords(Campaign(Path(sys.argv[1])), Memory()), 0)
"""


@attack("a closed round's record has other files read", slow=True)
def recorded_names(folder: Path) -> Iterable[Try]:
    root = folder / "campaign"
    (root / "rounds" / "000").mkdir(parents=True)
    (folder / "private.txt").write_text("private")
    clones.git(root, "init", "-q", "-b", "main")
    digest = hashlib.sha256(b"private").hexdigest()[:16]
    (root / "rounds" / "000" / "link.json").symlink_to(folder / "private.txt")
    (root / "rounds" / "000" / "zero.json").symlink_to("/dev/zero")
    for name in ("../private.txt", "/dev/zero", "rounds/000/link.json", "rounds/000/zero.json"):
        forged = metrics(digests={name: "0" * 16})
        forged.write(root / "rounds" / "000" / "metrics.json")
        with clones.identity():
            clones.git(root, "add", "--all")
            clones.git(root, "commit", "-q", "-m", "round")
            clones.git(root, "tag", "--force", "round/000")
        words = [sys.executable, "-c", READS, str(root)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=30)
            yield Try(f"{name} is guessed by its digest", digest in done.stdout + done.stderr)
        except subprocess.TimeoutExpired:
            yield Try(f"{name} never ends", True)


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
            snapshots.read(root)
            git.dirty(root, ())
            git.commit(root, ["params.yaml"], "settings")
        yield Try(kind, mark.exists())
        mark.unlink(missing_ok=True)
        for key in settings:
            clones.git(root, "config", "--unset", key)


@attack("images of other folders are taken in by a source that came with a clone", slow=True)
def inherited_sources(folder: Path) -> Iterable[Try]:
    clones.make_images(folder / "private", 1, 7)
    (secret,) = (folder / "private").iterdir()
    source = {"path": str(folder / "private"), "follow_links": False}
    record = {"version": 1, "sources": [source], "cohorts": []}
    root = clones.cloned(folder, {"data/cohorts.json": json.dumps(record)})
    clones.run(root, "ingest", "--again")
    taken = [path.read_bytes() for path in (root / "data" / "images").rglob("*.png")]
    yield Try("by `ingest --again`", secret.read_bytes() in taken)


@attack("ids and files of a manifest lead out of the campaign")
def names_that_lead_out(folder: Path) -> Iterable[Try]:
    campaign = Campaign(folder / "campaign")
    clones.make_images(folder / "private", 1)
    (secret,) = (folder / "private").iterdir()
    campaign.images.mkdir(parents=True)
    campaign.samples.mkdir()
    manifest = campaign.samples / "000.jsonl"
    record = {"source": "", "split": "pool", "width": 16, "height": 16, "notes": []}
    record |= {"also": [], "values": None, "group": ""}
    good, name = "0" * 16, f"../../../private/{secret.name}"
    for what, sample in {
        "a file above is read": {"id": good, "file": name},
        "an absolute file is read": {"id": good, "file": str(secret)},
    }.items():
        manifest.write_text(json.dumps({**record, **sample}) + "\n")
        try:
            read = len(load_images(campaign, read_samples(campaign.samples), 16)) > 0
        except LabelcycleError:
            read = False
        yield Try(what, read)
    shutil.copy(secret, campaign.images / f"{good}.png")
    away = {"id": "../../../away/evil", "file": f"{good}.png"}
    manifest.write_text(json.dumps({**record, **away}) + "\n")
    snapshot = Snapshot(campaign, config.parse(SETTINGS), frozenset(), 0, State.DUE)
    with contextlib.suppress(LabelcycleError):
        task_images.image(snapshot, read_samples(campaign.samples)[0])
    yield Try("a file is written above", any(folder.rglob("evil*")))


@attack("a key or password is left where others read it", slow=True)
def secrets_left_behind(folder: Path) -> Iterable[Try]:
    path = folder / ".labelcycle" / "campaign.lock"
    words = ["labelcycle", "-C", "x", "ingest", "https://host/a.png?X-Amz-Signature=SECRET"]
    with mock.patch.object(sys, "argv", words), lock.exclusive(path):
        yield Try("in the lock file", "SECRET" in path.read_text())
        yield Try("the lock file is open to others", bool(path.stat().st_mode & 0o077))
    yield from _told_addresses()
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


def _told_addresses() -> Iterable[Try]:
    """Addresses that the environment names, in the errors about them."""
    from prefect.settings import PREFECT_API_URL, temporary_settings  # seconds

    import labelcycle_flows.rounds

    nobody = "http://me:HIDDEN@127.0.0.1:9"
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": nobody}
    with mock.patch.dict(os.environ, keys):
        for what, ask in {
            "listing a bucket": lambda: s3.listed("s3://bucket/x"),
            "reading an object": lambda: s3.read("s3://bucket/x"),
        }.items():
            yield Try(f"in an error of {what}", "HIDDEN" in _error(ask))
    command = [sys.executable, "-c", "import sys; sys.exit(f'no answer from {sys.argv[1]}')"]
    failing = lambda: programs.run([*command, nobody], Path())  # noqa: E731
    yield Try("in an error of a program", "HIDDEN" in _error(failing))
    with temporary_settings({PREFECT_API_URL: f"{nobody}/api"}):
        yield Try(
            "in an error about Prefect",
            "HIDDEN" in _error(labelcycle_flows.rounds._require_prefect),
        )


def _error(doing: Callable[[], object]) -> str:
    try:
        doing()
    except LabelcycleError as error:
        return str(error)
    raise AssertionError("nothing was refused")
