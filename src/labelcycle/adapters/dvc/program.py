"""`python -m labelcycle.adapters.dvc.program`: DVC, as `altered_program` has it.

Stages begin in a process that imports this module again, so it imports nothing of weight.
"""

import sys

from labelcycle.adapters.dvc import warm_stages

if __name__ == "__main__":
    if "repro" in sys.argv:
        warm_stages.start(sys.argv)

    from labelcycle.adapters.dvc import altered_program

    sys.exit(altered_program.main(sys.argv[1:]))
