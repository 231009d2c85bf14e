"""The records of a round: one frozen type for each file, the only place that knows their fields.

Paths of files and what is computed from them belong elsewhere.
"""
