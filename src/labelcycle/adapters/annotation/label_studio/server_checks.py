"""Is Label Studio there, and does its token open anything? `doctor`'s lines about it."""

from collections.abc import Mapping

from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import health
from labelcycle.errors import LabelcycleError


def check(environment: Mapping[str, str]) -> list[health.Line]:
    """The state of the server that the environment names; with a server, that of its token."""
    address = environment.get("LABEL_STUDIO_URL", "")
    token = environment.get("LABEL_STUDIO_API_KEY", "")
    server = health.server("Label Studio", "LABEL_STUDIO_URL", address, "/health")
    name = "Label Studio token"
    if not server[1]:
        return [server]
    try:
        return [server, (name, True, f"works as {LabelStudioApi(address, token).whoami()}", "")]
    except LabelcycleError as error:
        return [server, (name, False, str(error), "set LABEL_STUDIO_API_KEY to a valid token")]
