"""Values inside the records of a round."""

from functools import reduce
from typing import Any


def at(record: dict[str, Any], path: str) -> Any:
    """The value at a path of keys with dots between them.

    >>> at({"people": {"ann": {"answers": 3}}}, "people.ann.answers")
    3
    """
    return reduce(lambda value, key: value[key], path.split("."), record)
