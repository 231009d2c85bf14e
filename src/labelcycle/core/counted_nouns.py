"""A count with its noun, so that no text says "1 samples"."""


def counted(count: int, one: str, several: str = "", spec: str = "") -> str:
    """The count and what is counted, in the singular for 1.

    one, several : the noun, and words that follow its number; `several` is `one` with an s if
        nothing else is given
    spec : how the count is written, as in `format`

    >>> counted(1, "sample"), counted(2000, "sample", spec=",")
    ('1 sample', '2,000 samples')
    >>> counted(2, "file shows", "files show")
    '2 files show'
    """
    return f"{count:{spec}} {one if count == 1 else several or f'{one}s'}"
