"""The base of every section of `params.yaml`: typed, frozen, closed."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A section of settings. Unknown keys and values out of range are errors; values never change.

    Every field carries a `description`; it becomes the comment in the printed `params.yaml`.

    >>> from pydantic import Field
    >>> class Shape(Options):
    ...     sides: int = Field(3, ge=3, description="corners, too")
    >>> Shape().sides
    3
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
