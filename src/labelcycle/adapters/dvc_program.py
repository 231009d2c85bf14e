"""DVC's own program, started as it is, but silent about files and folders that are empty.

Those of a campaign mostly are so rightly (a hold-out nobody has answered, a round without
figures), and DVC would warn of each whenever it looks.
"""

import logging
import sys

from dvc.cli import main  # type: ignore[import-untyped]

EMPTY = "'%s' is empty."
"""As `dvc.output` has it, before the name is put in."""


def wanted(record: logging.LogRecord) -> bool:
    """False for the one warning that tells users nothing."""
    return record.msg != EMPTY


if __name__ == "__main__":
    logging.getLogger("dvc.output").addFilter(wanted)
    sys.exit(main(sys.argv[1:]))
