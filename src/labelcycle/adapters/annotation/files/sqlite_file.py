"""The SQLite file with a campaign's tasks and answers: each block is one transaction.

A transaction counts whole or not at all, whenever the program is killed. Two programs that write
wait for each other.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from labelcycle.adapters import private_folder
from labelcycle.errors import LabelcycleError, ServiceDown, ServiceRefused

MEMORY = "file::memory:"
"""Stands for a file that is not there."""

VERSION = 1
"""Of the tables, in SQLite's `user_version`."""

PATIENCE_S = 30.0
"""For another program that writes; a write takes milliseconds."""

TABLES = """
CREATE TABLE project (
    number INTEGER PRIMARY KEY, campaign TEXT UNIQUE, title TEXT, classes TEXT, instruction TEXT
);
CREATE TABLE task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ids of removed tasks are not given again
    key TEXT UNIQUE, project INTEGER REFERENCES project ON DELETE CASCADE,
    sample TEXT, round INTEGER, rank INTEGER, image TEXT, guess TEXT,
    wanted INTEGER, asked INTEGER, touched TEXT
);
CREATE TABLE answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER REFERENCES task ON DELETE CASCADE, annotator TEXT, editor TEXT,
    labels TEXT, skipped INTEGER, reason TEXT, lead_time_s REAL, created TEXT, updated TEXT,
    UNIQUE (task, annotator)
);
PRAGMA user_version = 1;
"""


class SqliteFile:
    """A file with the tables above; it is made by the first block that writes.

    Both blocks raise ServiceDown where trying again can help, and ServiceRefused where the file
    holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it is at one moment; an empty one where there is none."""
        with self._our_errors():
            db = self._connect(MEMORY)
            try:
                # Not read-only: what a killed program left half done is undone by who reads next.
                if self.path.exists():
                    db.close()
                    db = self._connect(f"{self.path.as_uri()}?mode=rw")
                db.execute("BEGIN")
                if _version(db) == 0:  # no file, or one whose first write was killed
                    db.close()
                    db = self._connect(MEMORY)
                    db.executescript(TABLES)
                self._check_version(db)
                yield db
            finally:
                db.close()

    @contextmanager
    def writing(self, *, secure: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block, or nothing if it fails or the program is killed.

        secure : what is deleted is overwritten, so that the file does not hold it any more
        """
        with self._our_errors():
            self.path.parent.mkdir(private_folder.FOLDER, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, private_folder.FILE))
            db = self._connect(f"{self.path.as_uri()}?mode=rw")
            try:
                if secure:
                    db.execute("PRAGMA secure_delete = ON")
                db.execute("BEGIN IMMEDIATE")
                if _version(db) == 0:
                    for statement in _statements(TABLES):
                        db.execute(statement)
                self._check_version(db)
                yield db
                db.execute("COMMIT")
            finally:
                db.close()

    def _connect(self, address: str) -> sqlite3.Connection:
        db = sqlite3.connect(address, uri=True, timeout=PATIENCE_S, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        return db

    def _check_version(self, db: sqlite3.Connection) -> None:
        got = _version(db)
        if got != VERSION:
            raise ServiceRefused(
                f"{self.path}: wanted tables of version {VERSION}, got version {got}: another"
                " labelcycle wrote it; use that one"
            )

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        """Turn what the file system and SQLite raise into our errors."""
        try:
            yield
        except (OSError, sqlite3.OperationalError) as error:
            raise ServiceDown(
                f"cannot use {self.path}: {error}; free some space, or wait for the program that"
                " uses it, then run the same command again"
            ) from error
        except (sqlite3.Error, ValueError, TypeError) as error:
            if isinstance(error, LabelcycleError):
                raise
            raise ServiceRefused(
                f"{self.path}: wanted the campaign's tasks and answers, got {error}; bring the"
                " file back from a copy"
            ) from error


def _version(db: sqlite3.Connection) -> int:
    """Version of the tables; 0 if there are none yet."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterable[str]:
    """The statements of a script: `executescript` would end the transaction at work."""
    return (part for part in script.split(";\n") if part.strip())
