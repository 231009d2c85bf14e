"""Notices to whoever keeps the cycle running: which are due, which were told, how they go.

No step of a round is here, and none waits for a notice.
"""
