"""The base of every section of `params.yaml`: typed, frozen, closed."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A section of settings. Unknown keys and values out of range are errors; values never change.

    Every field carries a `description`; it becomes the comment in the printed `params.yaml`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
