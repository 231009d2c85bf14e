"""Write the locks in `locks/`: each version with the digests of all its files.

    python tools/lock.py [--upgrade]

A lock keeps its versions as long as they fit what is asked for; `--upgrade` takes the newest.
`uv` (from `locks/tools.txt`) reads the index that it is set to, and no lock names one. The
environments that the locks serve are those of `[tool.uv]` in pyproject.toml. uv writes them behind
every line; `shorter` takes that out again.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
NEVER_IMPORTED = ("nltk",)
"""Required by label-studio-sdk for its converters, which labelcycle does not use."""

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\\n]+)", re.M)
_MARKER = re.compile(r" ; (.+?) \\\n")


def pins(text: str) -> dict[str, str]:
    """The version of each package of a lock."""
    return dict(_PIN.findall(text))


def shorter(text: str) -> str:
    """A lock without the marker that most of its lines have: that of the environments."""
    markers = Counter(_MARKER.findall(text))
    return text.replace(f" ; {markers.most_common(1)[0][0]} \\\n", " \\\n") if markers else text


def write(
    name: str,
    source: str,
    options: Sequence[str] = (),
    above: str | None = None,
    leave_out: Sequence[str] = (),
) -> None:
    """Write a lock.

    above : a lock whose versions this one takes over
    leave_out : packages that are resolved and not written
    """
    target = LOCKS / f"{name}.txt"
    command = ["uv", "pip", "compile", source, "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
    # One version for every Python, so that all developers have the same.
    command += ["--fork-strategy", "fewest"]
    command += ["--no-header", "--no-annotate", "--output-file", str(target), *options]
    if above:
        command += ["--constraint", str(LOCKS / f"{above}.txt")]
    for package in leave_out:
        command += ["--no-emit-package", package]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    target.write_text(shorter(target.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Write all locks."""
    options = sys.argv[1:]
    write("build", "locks/build.in", options)
    write("runtime", "pyproject.toml", options, leave_out=NEVER_IMPORTED)
    runtime = pins((LOCKS / "runtime.txt").read_text(encoding="utf-8"))
    extra = [*options, "--extra", "dev"]
    write("dev", "pyproject.toml", extra, "runtime", [*runtime, *NEVER_IMPORTED])
    write("services", "locks/services.in", options, "runtime")
    write("label-studio", "locks/label-studio.in", options)
    write("tools", "locks/tools.in", options)


if __name__ == "__main__":
    main()
