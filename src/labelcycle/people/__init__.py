"""What a round says of the people who answered it, and simulated people.

Nothing here changes a label.
"""
