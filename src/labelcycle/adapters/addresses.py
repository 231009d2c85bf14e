"""Addresses as they may be shown, recorded and sent."""

from urllib.parse import urlsplit, urlunsplit


def bare(address: str) -> str:
    """The address without a user name and password in it."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
