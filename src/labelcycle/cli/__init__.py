"""The commands of `labelcycle`, a module for each part of its help, and what a terminal needs.

No rule of a round is here: a command reads words, calls a step, prints.
"""
