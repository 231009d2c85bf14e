"""Addresses as they may be shown, recorded and sent."""

import re

LOGIN = re.compile(r"(?<=//)[^/?#]*@")


def bare(address: str) -> str:
    """The address without a user name and password in it."""
    return LOGIN.sub("", address)
