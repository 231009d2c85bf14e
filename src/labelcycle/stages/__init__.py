"""The pure stages that DVC runs, one module each: `Options` and `run`."""
