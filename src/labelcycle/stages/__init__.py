"""The pure stages that DVC runs, a module each with `Options` and `run`, and their declaration.

No stage asks a service, a clock or a person.
"""
