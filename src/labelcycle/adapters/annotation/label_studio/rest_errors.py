"""What goes wrong with Label Studio, in one line each, without the token."""

from dataclasses import dataclass, field

from labelcycle.adapters.address_logins import without_login
from labelcycle.errors import LabelcycleError, ServiceDown, ServiceRefused

LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same question may be answered well."""

LONGEST = 200
"""Characters kept of what the server said: it may be a whole page of HTML."""


def check_access(url: str, token: str) -> None:
    """Raise ServiceRefused for an address or a token that cannot be one."""
    shown = without_login(url)
    if not url.startswith(("http://", "https://")):
        raise ServiceRefused(
            f"LABEL_STUDIO_URL: wanted an address such as http://127.0.0.1:8080, got"
            f" {repr(shown) if url else 'nothing'}; run `labelcycle up`, or set it"
        )
    if shown != url:
        raise ServiceRefused(
            f"LABEL_STUDIO_URL: wanted an address without a user name and password, got them before"
            f" {shown}: they would be sent in place of the token; take them out"
        )
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ServiceRefused(
            f"LABEL_STUDIO_API_KEY: wanted the access token of an account at {shown}, got"
            f" {'nothing' if not token else 'a text that no token can be'};"
            " copy it from the account page, or run `labelcycle up`"
        )


@dataclass(frozen=True)
class Wording:
    """Makes the errors of one connection."""

    url: str
    token: str = field(repr=False)

    def unreachable(self, error: Exception, doing: str) -> LabelcycleError:
        """Nothing answers, or the connection broke."""
        return ServiceDown(
            f"Label Studio does not answer at {self.url} ({doing}: {self._text(error)});"
            " run `labelcycle up`, or set LABEL_STUDIO_URL to where it runs"
        )

    def redirected(self, error: Exception, doing: str) -> LabelcycleError:
        """The server points somewhere else; nothing was sent there."""
        return ServiceRefused(
            f"Label Studio at {self.url} points elsewhere ({doing}: {error}); set LABEL_STUDIO_URL"
            " to the address that it has, https and port included"
        )

    def malformed(self, error: Exception, doing: str) -> LabelcycleError:
        """An answer came that cannot be read."""
        return ServiceRefused(
            f"{self.url} answered, but not as Label Studio does ({doing}: {self._text(error)});"
            " check that LABEL_STUDIO_URL is a Label Studio of version 1.23"
        )

    def refused(
        self, status: int | None, body: object, doing: str, project: int | None
    ) -> LabelcycleError:
        """What a status, or a success without JSON, means."""
        summary = f"{doing}: status {status}, {self._text(body)}"
        if status == 401:
            return ServiceRefused(
                f"Label Studio at {self.url} refuses the token ({doing}); wanted the access token"
                " of an account there; set LABEL_STUDIO_API_KEY to it"
            )
        if status == 404 and project is not None:
            return ServiceRefused(
                f"project {project} is not at {self.url} ({summary}); wanted the campaign's"
                " project, it was deleted or LABEL_STUDIO_URL names another server; restore it, or"
                " run `labelcycle cancel --abandon` to end the round without its answers"
            )
        if status in LATER:
            return ServiceDown(
                f"Label Studio at {self.url} failed ({summary}); run the same command again"
            )
        if status is not None and 200 <= status < 300:
            return ServiceRefused(
                f"{self.url} answered, but not as Label Studio does ({summary});"
                " check that LABEL_STUDIO_URL is a Label Studio of version 1.23"
            )
        return ServiceRefused(f"Label Studio at {self.url} refused ({summary}); mend that")

    def _text(self, what: object) -> str:
        """The start of a message, in one line, without the token."""
        line = " ".join(str(what).split()).replace(self.token, "***")
        return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
