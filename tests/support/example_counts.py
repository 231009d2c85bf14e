"""How many examples a hypothesis test tries: its own number, or the profile's if that is less."""

from hypothesis import settings


def tries(most: int) -> settings:
    """At most so many examples, without a limit of time; `make quick` has fewer of each."""
    return settings(max_examples=min(most, settings.default.max_examples), deadline=None)
