"""Where a campaign stands, what its rounds asked, and what they were told.

It reads and judges; the steps that act on it are in `cycle`.
"""
