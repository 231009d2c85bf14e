"""The outside world: services, programs, the network, each behind functions of our own.

No rule of a round is here; `ports` says what a round may ask of them.
"""
