"""`python -m labelcycle` is `labelcycle`."""

from labelcycle.cli import main

if __name__ == "__main__":
    main()
