"""DVC: decides whether a stage runs, keeps what is big."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from labelcycle.adapters import git, programs, trust_record
from labelcycle.adapters.dvc import local_config
from labelcycle.campaign import yaml_text
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.errors import DataError, StateError, ToolFailed

# Images are written once and never rewritten, so links are safe and save a copy.
SETTINGS = """\
[core]
    analytics = false
    check_update = false
    autostage = false
[cache]
    type = "reflink,hardlink,copy"
"""
CONFIG = ".dvc/config"


CHECKOUT = ("checkout", "--force")
"""In a temporary clone no file is anybody's; git may have one that a killed run committed."""

# Somebody's `dvc status` beside us is waited for.
THEN = "--then"
"""Between several commands for one process: most of a second is the start of DVC."""

PROGRAM = (*programs.MODULE, "labelcycle.adapters.dvc.program", "--wait-for-lock")


def _dvc(root: Path, *arguments: str) -> str:
    """What DVC prints. Raises StateError if its settings came along and nobody confirmed them."""
    trust_record.check(root, CONFIG, places)
    return _unchecked(root, *arguments)


def _unchecked(root: Path, *arguments: str) -> str:
    _make_cache(root)
    return programs.run([*PROGRAM, *arguments], root)


def places(config: str) -> tuple[str, ...]:
    """The lines of DVC's settings that a new campaign has not; none if all are as `init` writes.

    Any of them counts: some name places that data go to, some a program that DVC runs.
    """
    usual = SETTINGS.split()
    if config.split() in (usual, []):
        return ()
    lines = (line.strip() for line in config.splitlines())
    known = {line.strip() for line in SETTINGS.splitlines()}
    return tuple(line for line in lines if line and line not in known) or (config,)


def init(root: Path) -> None:
    """Make `root` a DVC repository, unless it is one."""
    config = root / CONFIG
    if not config.exists():
        _unchecked(root, "init", "--force")  # what a killed one left is made anew
    if not config.read_text(encoding="utf-8").strip():
        write_bytes(config, SETTINGS.encode())
    keep_to_own_cache(root)


def keep_to_own_cache(root: Path) -> None:
    """Have people's own `dvc` in `root` use the campaign's site cache, as ours does.

    DVC's own, below /var/tmp, is open to all accounts, and DVC runs what it finds in there.
    Nothing happens where there is no DVC, where the environment names a cache, as it does for all
    that we start, or where the folder cannot be written. Settings that DVC cannot read are told
    by the first call that needs them.
    """
    if os.environ.get("DVC_SITE_CACHE_DIR"):
        return
    local, wanted = root / ".dvc" / "config.local", str(programs.site_cache(root))
    if not (root / CONFIG).exists():
        return
    with contextlib.suppress(OSError, DataError, ToolFailed):
        present = local.read_text(encoding="utf-8") if local.exists() else ""
        lines = present.splitlines()
        if any(line.strip().startswith("site_cache_dir") and wanted in line for line in lines):
            return
        if present.strip() or set(wanted) & set("\"'\n"):
            local_config.put(root, "core", "site_cache_dir", wanted)
        else:
            text = f'[core]\n    site_cache_dir = "{wanted}"\n'
            write_bytes(local, text.encode(), mode=0o600)


def _make_cache(root: Path) -> None:
    """Make the campaign's site cache, which no other account may open."""
    cache = programs.site_cache(root)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cache.stat().st_mode & 0o077:
        cache.chmod(0o700)


def add(root: Path, paths: Iterable[str]) -> None:
    """Put files or folders under DVC, in their present state."""
    _dvc(root, "add", *paths)


def repro(root: Path, *stages: str) -> None:
    """Bring stages, and what they need, up to date; what is up to date already is skipped.

    Data under DVC that they need are taken in their present state, as `add` does.

    Only stages of the campaign's own dvc.yaml run: DVC by itself would also run what another
    dvc.yaml of the repository declares to make one of their inputs. The stage speaks to the user
    on standard error, and so does DVC about what went wrong.
    """
    trust_record.check(root, CONFIG, places)
    _make_cache(root)
    _ignore_outs(root)
    try:
        programs.show([*PROGRAM, "repro", "--single-item", *needed(root, *stages)], root)
    except ToolFailed as error:
        raise ToolFailed(
            f"{'stage' if len(stages) == 1 else 'one of the stages'} {', '.join(stages)} failed;"
            " its own message stands above; mend that, then run the same command again"
        ) from error


def _ignore_outs(root: Path) -> None:
    """Have git leave out what stages make, as DVC writes it once a stage has ended.

    That is too late for one that is killed: the next commit would have its files, and DVC refuses
    what git keeps.
    """
    stages = yaml_text.values((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    outs = [out for entry in stages.values() for out in _outs({"outs": entry.get("outs", ())})]
    for path in outs:  # not the metrics, which git keeps
        file = (root / path).parent / ".gitignore"
        present = file.read_text(encoding="utf-8") if file.exists() else ""
        line = f"/{Path(path).name}"
        if line not in present.splitlines():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(file, f"{present}{line}\n".encode())


def needed(root: Path, *wanted: str) -> list[str]:
    """Stages of dvc.yaml and all that they need, in the order in which they are to be looked at.

    That is data under DVC, by the names of their .dvc files, and other stages.
    """
    stages = yaml_text.values((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    maker = {out: name for name, entry in stages.items() for out in _outs(entry)}
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        for path in stages[name].get("deps", ()):
            if path in maker:
                visit(maker[path])
            elif (root / f"{path}.dvc").exists():
                order[f"{path}.dvc"] = None
        order[name] = None

    for stage in wanted:
        visit(stage)
    return list(order)


def _outs(entry: dict[str, Any]) -> Iterator[str]:
    """Paths that a stage writes; one with settings of its own is a mapping."""
    for out in (*entry.get("outs", ()), *entry.get("metrics", ())):
        yield out if isinstance(out, str) else next(iter(out))


def has_remote(root: Path) -> bool:
    """True if there is a remote to push to, wherever it is configured.

    That is DVC's default one. To another one DVC pushes only where it is named.
    """
    return bool(settings(root).get("core", {}).get("remote"))


def without_default(root: Path) -> list[str]:
    """Names of the remotes, if none of them is the default one, so that nothing goes there."""
    return [] if has_remote(root) else sorted(settings(root).get("remote", {}))


def settings(root: Path) -> Any:
    """DVC's settings of all levels, with whole paths. Raises as `_dvc` does.

    Read in this process: to start DVC for it takes most of a second.
    """
    from dvc.config import Config, ConfigError  # type: ignore[import-untyped]

    trust_record.check(root, CONFIG, places)
    try:
        return Config(str(root / ".dvc"))
    except ConfigError as error:
        raise ToolFailed(f"{root / CONFIG}: {error}; mend it, then run the same command") from error


def check_links(root: Path) -> None:
    """Raise StateError if DVC would put links to its cache in the place of files.

    A link may lead anywhere, so labelcycle takes none for a file of the campaign. Hard links and
    copies on another disk are fine.
    """
    files = (root / ".dvc" / name for name in ("config", "config.local"))
    if not any("symlink" in file.read_text(encoding="utf-8") for file in files if file.exists()):
        return  # the campaign's own settings come before an account's; DVC's code takes a while
    kinds = settings(root).get("cache", {}).get("type") or ()
    kinds = kinds.split(",") if isinstance(kinds, str) else kinds
    if any(kind.strip() == "symlink" for kind in kinds):
        raise StateError(
            "DVC's setting cache.type has 'symlink': wanted reflink, hardlink and copy alone, for"
            " labelcycle takes no link for a file of the campaign; run `dvc config cache.type"
            " reflink,hardlink,copy` (with --local or --global, if it is set there), then"
            " `dvc checkout --relink`"
        )


def cache_folder(root: Path) -> Path:
    """Where DVC's cache is: on another disk, if its settings say so. Raises as `_dvc` does."""
    folder = settings(root).get("cache", {}).get("dir")
    return Path(folder) if folder else root / ".dvc" / "cache"


def push(root: Path) -> None:
    """Copy everything tracked to the remote."""
    _dvc(root, "push")


def pull(root: Path) -> None:
    """Bring everything tracked from the remote; DVC shows the user how far it is.

    Stages that never ran have made nothing: DVC by itself would miss what they declare.
    """
    trust_record.check(root, CONFIG, places)
    _make_cache(root)
    targets = [*git.present(root, "*.dvc"), *_stages_that_ran(root)]
    if targets:
        programs.show([*PROGRAM, "pull", "--", *targets], root)


def _stages_that_ran(root: Path) -> list[str]:
    lock = root / "dvc.lock"
    known = yaml_text.values(lock.read_text(encoding="utf-8")) if lock.exists() else None
    return sorted((known or {}).get("stages", {}))


def pull_one(root: Path, target: str) -> None:
    """Bring one .dvc file's data from the remote."""
    _dvc(root, "pull", target)


def checkout(root: Path, path: str) -> None:
    """Put a file or folder that is not there in its place, from the cache."""
    record = f"{path}.dvc"
    _dvc(root, "checkout", record if (root / record).exists() else path)


def bring_back(root: Path, *records: str) -> None:
    """Put files that a .dvc file or `dvc.lock` records in their place, from cache or remote.

    records : .dvc files; of stages, all that ran

    Other files in these places are in the cache, or else they are lost. Raises DataError if neither
    has them.
    """
    targets = [*records, *_stages_that_ran(root)]
    try:
        _dvc(root, "checkout", "--force", "--", *targets)
    except ToolFailed as missing:
        if not has_remote(root):
            raise DataError(
                f"the data of that round are not in the campaign's cache, and there is no remote to"
                f" fetch them from ({missing}); add one: dvc remote add -d NAME ADDRESS"
            ) from missing
        _dvc(root, "pull", "--force", "--", *targets)


def restore(root: Path, origin: Path, targets: Sequence[str]) -> None:
    """Bring `targets` into the clone `root`, from the cache of `origin` or else from the remote.

    The clone works by the settings of `origin` as they are now, not by those of its own revision.
    Raises DataError that names the target that neither has.
    """
    take_settings(root, origin, cache_folder(origin))
    # Given several, `dvc checkout` brings only one of them; so one process does it several times.
    with contextlib.suppress(ToolFailed):
        _unchecked(root, *_chained([(*CHECKOUT, target) for target in targets]))
        return
    for target in targets:
        try:
            _unchecked(root, *CHECKOUT, target)
        except ToolFailed as missing:
            if not has_remote(origin):
                raise DataError(
                    f"{target} as of this round is not in the campaign's cache, and there is no"
                    f" remote to fetch it from ({missing}); add one: dvc remote add -d NAME ADDRESS"
                ) from missing
            _unchecked(root, "pull", target)


def take_settings(root: Path, origin: Path, cache: Path) -> None:
    """Have the clone `root` work by the settings of `origin` as they are now, with this cache.

    A remote by a relative path is where it is for `origin`.
    """
    for name in ("config", "config.local"):  # addresses and credentials of the remote
        own = origin / ".dvc" / name
        if own.exists():
            shutil.copy(own, root / ".dvc" / name)
    for name, remote in settings(origin).get("remote", {}).items():
        if "://" not in str(remote["url"]):
            local_config.put(root, f'remote "{name}"', "url", str(remote["url"]))
    local_config.put(root, "cache", "dir", str(cache.resolve()))


def _chained(commands: Iterable[Sequence[str]]) -> list[str]:
    """Several commands as the words of one, for our own DVC program."""
    words = [[*PROGRAM[-1:], *command, THEN] for command in commands]
    return [word for command in words for word in command][1:-1]


def recorded(root: Path, path: str) -> str:
    """DVC's digest of a file or folder that it keeps, as recorded in `root`; "none" if it does not.

    A hold-out that nobody has answered yet is no file.
    """
    return str(_record(root, path).get("md5", "none"))


def recorded_files(root: Path, path: str) -> int | None:
    """How many files of a folder DVC keeps, as recorded in `root`; None if it keeps none."""
    number = _record(root, path).get("nfiles")
    return None if number is None else int(number)


def _record(root: Path, path: str) -> dict[str, Any]:
    """What the .dvc file of a file or folder says of it; empty if there is none."""
    record = root / f"{path}.dvc"
    if not record.exists():
        return {}
    (out,) = yaml.safe_load(record.read_text(encoding="utf-8"))["outs"]
    return dict(out)
