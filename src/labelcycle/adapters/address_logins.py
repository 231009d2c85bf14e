"""Takes user names and passwords out of addresses, before these are shown, recorded or sent."""

import re

LOGIN = re.compile(r"(?<=//)[^/?#]*@")
LOGIN_IN_TEXT = re.compile(r"(?<=//)[^/?#\s'\"]*@")


def text_without_logins(text: str) -> str:
    """A text about addresses, without user names and passwords in them.

    >>> text_without_logins("no answer from https://me:secret@host/x, says a@b")
    'no answer from https://host/x, says a@b'
    """
    return LOGIN_IN_TEXT.sub("", text)


def without_login(address: str) -> str:
    """One address without the user name and password in it, whatever characters these have.

    >>> without_login("https://me:it's secret@host/x")
    'https://host/x'
    """
    return LOGIN.sub("", address)
