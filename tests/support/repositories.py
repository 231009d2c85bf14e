"""git as tests call it, where a campaign of ours would refuse what they try."""

import subprocess
from pathlib import Path


def git(root: Path, *words: str) -> None:
    """Run git in a folder; it must succeed."""
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def said(root: Path, *words: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()
