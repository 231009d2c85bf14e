"""Annotation backends: where people answer. One module each; its name is the key `push.backend`.

A module is a backend when it has what `BackendModule` lists; `names` finds it by itself.

No backend chooses what is asked or which answer counts: `cycle` and `rounds` do.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar, cast

from labelcycle.adapters.local.health import Line
from labelcycle.adapters.ports import AnnotationBackend
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.core import registry
from labelcycle.errors import StateError

DEFAULT = "label_studio"

A = TypeVar("A")


class BackendModule(Protocol):
    """What a module in this package holds.

    TITLE : what people call the backend
    NEXT : what annotators do once a round is open
    SERVICE : which of `services.NAMES` it needs, where `labelcycle up` starts one for it; the
        constant may be left out
    HOT_KEYS : the keys that choose a class, in the order of the classes; the constant may be left
        out
    """

    TITLE: str
    NEXT: str

    def connect(self, campaign: Campaign) -> AnnotationBackend:
        """The backend of a campaign, where the environment says. Asks no server anything yet."""

    def page_origin(self) -> str | None:
        """Where annotators' pages come from, as browsers say it; None if there are none now."""

    def checks(self, campaign: Campaign) -> Iterable[Line]:
        """A line of `labelcycle doctor` for each thing that must be well."""


def names() -> list[str]:
    """Every backend, sorted."""
    return registry.names(__path__)


def get(name: str) -> BackendModule:
    """The module of a backend. Raises SettingsError with the near names if there is none."""
    return cast(BackendModule, registry.get(__name__, __path__, name, "annotation backend"))


def of(campaign: Campaign, name: str) -> AnnotationBackend:
    """The backend `name` of a campaign. Raises as `get` and its `connect` do."""
    return get(name).connect(campaign)


def title(name: str) -> str:
    """What people call a backend, without importing it. Raises as `get` does."""
    return str(_declared(name)["TITLE"])


def next_step(name: str) -> str:
    """What annotators do once a round is open, without importing the backend. Raises as `get`."""
    return str(_declared(name)["NEXT"])


def service(name: str) -> str | None:
    """The local service that a backend needs, without importing it. Raises as `get` does."""
    service_name = _declared(name).get("SERVICE")
    return None if service_name is None else str(service_name)


def hot_keys(name: str) -> str:
    """The keys that choose a class, in the order of the classes; "" if the backend has no keys.

    Imports the backend, which may build them from parts. Raises as `get` does.
    """
    return str(getattr(get(name), "HOT_KEYS", ""))


def _declared(name: str) -> dict[str, Any]:
    return registry.declared(__path__, name, "annotation backend")


def able(backend: AnnotationBackend, ability: Callable[..., A], what: str) -> A:
    """The backend as one of the abilities in `ports`. Raises StateError if it has it not.

    what : what cannot be done then, as in "`labelcycle invite`: nobody has an account here"
    """
    # A protocol is no type that mypy takes for `type[A]`, though `isinstance` does.
    if isinstance(backend, cast(type, ability)):
        return cast(A, backend)
    raise StateError(f"{what} (push.backend in params.yaml is {backend!r})")
