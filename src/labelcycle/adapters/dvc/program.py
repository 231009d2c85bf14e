"""`python -m labelcycle.adapters.dvc.program`: DVC, as `altered_program` has it.

Copies of a warm process import this module again, so it imports nothing of weight.
"""

import sys

if __name__ == "__main__":
    from labelcycle.adapters.dvc import altered_program

    sys.exit(altered_program.main(sys.argv[1:]))
