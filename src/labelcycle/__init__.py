"""labelcycle: recurring image-labelling cycles on a small budget."""

__version__ = "0.1.0"
