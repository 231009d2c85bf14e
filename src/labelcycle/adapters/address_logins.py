"""Addresses as they may be shown, recorded and sent."""

import re

LOGIN = re.compile(r"(?<=//)[^/?#]*@")


LOGIN_IN_TEXT = re.compile(r"(?<=//)[^/?#\s'\"]*@")


def without_logins(text: str) -> str:
    """A text about addresses, without user names and passwords in them.

    >>> without_logins("no answer from https://me:secret@host/x, says a@b")
    'no answer from https://host/x, says a@b'
    """
    return LOGIN_IN_TEXT.sub("", text)


def bare(address: str) -> str:
    """The address without a user name and password in it."""
    return LOGIN.sub("", address)
