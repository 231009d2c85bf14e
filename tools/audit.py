"""Say which packages of the locks have known faults, and which nobody could say anything of.

    python tools/audit.py [LOCK ...]

pip-audit (from `locks/tools.txt`) asks its service. It says "no known vulnerabilities" also of
packages that the service did not answer for. So the answers are counted here: the program ends with
1 if a package has a known fault, and with 2 if any package was not audited.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).resolve().parents[1] / "locks"
ACCEPTED = {
    "CVE-2025-69872": "diskcache unpickles its folder; the campaign's own is closed to others",
}
"""Faults without a version that mends them, and what is done about them."""


def verdict(lock: str, answer: Mapping[str, Any]) -> tuple[list[str], int]:
    """What to say of a lock, and the status to end with.

    answer : pip-audit's JSON: `dependencies`, each with `name` and either `vulns` or `skip_reason`
    """
    packages = answer["dependencies"]
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    lines, faulty = [], False
    for package in packages:
        for fault in package.get("vulns", []):
            names = {fault["id"], *fault.get("aliases", [])}
            why = next((ACCEPTED[name] for name in sorted(names) if name in ACCEPTED), None)
            faulty = faulty or why is None
            mended = ", ".join(fault.get("fix_versions", [])) or "none"
            end = f"accepted: {why}" if why else f"mended in {mended}"
            lines.append(f"{lock}: {package['name']} {package['version']}: {fault['id']}, {end}")
    lines.append(f"{lock}: {len(packages) - len(skipped)} of {len(packages)} packages audited")
    if skipped or not packages:
        some = ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else "")
        lines.append(f"{lock}: NOT AUDITED, nothing is known of these: {some or 'no package read'}")
    return lines, 1 if faulty else 2 if skipped or not packages else 0


def ask(lock: Path) -> Mapping[str, Any]:
    """pip-audit's answer; without one, all packages count as skipped."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    command += ["--require-hashes", "--no-deps", "--format", "json", "--progress-spinner", "off"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: Mapping[str, Any] = json.loads(run.stdout)
    except ValueError:
        print(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "pip-audit: no answer")
        return {"dependencies": []}
    return answer


def main() -> int:
    locks = [Path(name) for name in sys.argv[1:]] or sorted(LOCKS.glob("*.txt"))
    worst = 0
    for lock in locks:
        lines, status = verdict(lock.name, ask(lock))
        print("\n".join(lines))
        worst = status if worst == 0 or status == 1 else worst
    return worst


if __name__ == "__main__":
    sys.exit(main())
