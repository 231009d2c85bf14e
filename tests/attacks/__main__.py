"""`make attacks`: every attack, as a table. Ends with a status of 1 if any succeeded."""

import sys
import tempfile
from pathlib import Path

from attacks import attacks


def main() -> int:
    """The status to end with."""
    tried = succeeded = 0
    told = []
    print("| attack | tried | succeeded |\n|---|---|---|", flush=True)
    for attack in attacks():
        with tempfile.TemporaryDirectory() as folder:
            tries = list(attack.play(Path(folder)))
        harm = [one.what for one in tries if one.succeeded]
        print(f"| {attack.what} | {len(tries)} | {len(harm)} |", flush=True)
        told += [f"{attack.what}: {what}" for what in harm]
        tried += len(tries)
        succeeded += len(harm)
    if told:
        print("", *told, sep="\n")
    print(f"\nattacks {len(attacks())}, tried {tried}, succeeded {succeeded}")
    return int(succeeded > 0)


if __name__ == "__main__":
    sys.exit(main())
