"""The locks: every version has digests, environments are apart, and an audit says what it knows."""

import re
import subprocess
import sys
from pathlib import Path

import audit
import lock
import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "locks").glob("*.txt")}


def test_every_version_has_digests_and_no_index_is_named() -> None:
    assert sorted(LOCKS) == ["build", "dev", "label-studio", "runtime", "services", "tools"]
    for name, text in LOCKS.items():
        blocks = re.split(r"\n(?! )", text.strip())
        assert len(blocks) == len(lock.pins(text)), name
        assert all(" --hash=sha256:" in block for block in blocks), name
        assert "://" not in text, name
        assert not re.search(r"^-", text, re.M), name


def test_development_comes_on_top_of_what_users_run() -> None:
    runtime, dev = lock.pins(LOCKS["runtime"]), lock.pins(LOCKS["dev"])
    assert not set(runtime) & set(dev)
    assert {"pytest", "moto", "selenium", "lightly-mundig", "boto3", "mypy"} <= set(dev)
    assert {"torch", "mlflow", "prefect", "dvc", "label-studio-sdk"} <= set(runtime)
    away = {"crowd-kit", "transformers", "tokenizers", "huggingface-hub", "nltk"}
    assert not away & set(runtime)


def test_servers_in_containers_are_the_versions_of_the_worker() -> None:
    runtime, services = lock.pins(LOCKS["runtime"]), lock.pins(LOCKS["services"])
    assert {"mlflow", "prefect", "psycopg2-binary", "flask-wtf"} <= set(services)
    shared = set(runtime) & set(services)
    assert len(shared) > 100
    assert {name: services[name] for name in shared} == {name: runtime[name] for name in shared}


@pytest.mark.slow
def test_what_a_lock_leaves_out_is_not_imported() -> None:
    """label-studio-sdk asks for nltk, which its client and our parts of it have no use for."""
    client = "labelcycle.adapters.annotation.label_studio.rest_api"
    hidden = f"import sys; sys.modules['nltk'] = None; import {client}"
    subprocess.run([sys.executable, "-c", hidden], check=True)


def test_the_marker_of_all_environments_is_taken_out() -> None:
    long = "a==1 ; here \\\n  --hash=x\nb==2 ; here \\\n  --hash=y\nc==3 ; there \\\n  --hash=z\n"
    wanted = long.replace(" ; here", "")
    assert lock.shorter(long) == wanted
    assert lock.shorter("a==1 \\\n    --hash=x\n") == "a==1 \\\n    --hash=x\n"


def package(name: str, *faults: str, **more: object) -> dict[str, object]:
    vulns = [{"id": fault, "aliases": [], "fix_versions": ["9"]} for fault in faults]
    return {"name": name, "version": "1", "vulns": vulns, **more}


@pytest.mark.parametrize(
    ("packages", "status", "last"),
    [
        ([package("a"), package("b")], 0, "x: 2 of 2 packages audited"),
        ([package("a", "CVE-1")], 1, "x: 1 of 1 packages audited"),
        ([package("a", "CVE-2025-69872")], 0, "x: 1 of 1 packages audited"),
        (
            [package("a"), {"name": "b", "skip_reason": "not found"}],
            2,
            "x: NOT AUDITED, nothing is known of these: b",
        ),
        ([], 2, "x: NOT AUDITED, nothing is known of these: no package read"),
    ],
)
def test_an_audit_without_answers_is_no_clean_one(
    packages: list[dict[str, object]], status: int, last: str
) -> None:
    lines, found = audit.verdict("x", {"dependencies": packages})
    assert found == status
    assert lines[-1] == last
    if packages and packages[0].get("vulns"):
        assert "CVE-" in lines[0]
