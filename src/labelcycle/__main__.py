"""`python -m labelcycle` is `labelcycle`, and as that takes no module from the folder it is in.

What Python itself imports before this line still may come from there: `python -P -m labelcycle`.
"""

import sys

if not sys.flags.safe_path:
    del sys.path[0]

from labelcycle.cli.main import main

if __name__ == "__main__":
    main()
