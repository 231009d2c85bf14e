"""Notices over real HTTP and SMTP; what goes wrong is told without the secrets of an address."""

import io
import logging

import pytest
from mailboxes import APPRISE_WARNS, http_box, mail_box

from labelcycle.adapters.local import processes
from labelcycle.errors import LabelcycleError, ServiceDown, SettingsError
from labelcycle.notify import sending
from labelcycle.notify.sending import Recipient

pytestmark = pytest.mark.filterwarnings(APPRISE_WARNS)

SECRETS = ("hunter2", "T0ken", "team-room")


def test_the_variable_holds_any_number_of_addresses() -> None:
    found = sending.addresses({sending.VARIABLE: " json://a/b?to=x,y\n\tmailto://c "})
    assert [(a.number, a.url) for a in found] == [(1, "json://a/b?to=x,y"), (2, "mailto://c")]
    assert found[0].name == "address 1 of LABELCYCLE_NOTIFY (json)"
    assert sending.addresses({}) == sending.addresses({sending.VARIABLE: " "}) == []


def test_an_address_keeps_its_key_wherever_it_stands() -> None:
    assert (
        Recipient(1, "json://a").key == Recipient(2, "json://a").key != Recipient(1, "json://b").key
    )


def test_a_text_reaches_an_address_of_the_web() -> None:
    with http_box() as box:
        sending.send(Recipient(1, box.url), "the title", "line one\nÄ & < line two")
    assert [(m["title"], m["message"]) for m in box.got] == [
        ("the title", "line one\nÄ & < line two")
    ]


def test_a_text_reaches_a_mailbox() -> None:
    with mail_box() as box:
        url = f"mailto://127.0.0.1:{box.port}?from=cycle@example.com&to=ann@example.com&format=text"
        sending.send(Recipient(1, url), "the title", "line one\nÄ & < line two")
    [mail] = box.got
    assert mail["Subject"] == "the title"
    assert mail["To"] == "ann@example.com"
    body = mail.get_body()
    assert body
    assert body.get_content().splitlines()[:2] == ["line one", "Ä & < line two"]


@pytest.mark.parametrize(
    ("url", "kind", "wanted"),
    [
        ("json://ann:hunter2@127.0.0.1:{port}/T0ken", ServiceDown, r"\(json\) was not reached \("),
        ("slack://T0ken/team-room", SettingsError, r"\(slack\): wanted an address that apprise"),
        ("bogus://hunter2/T0ken", SettingsError, r"\(bogus\): wanted an address that apprise"),
        ("hunter2", SettingsError, r"NOTIFY: wanted an address that apprise understands \(.*\*\*"),
        (
            "mailto://ann:hunter2@127.0.0.1:{port}?from=T0ken@example.com&to=ann@example.com",
            ServiceDown,
            r"\(mailto\) was not reached \(",
        ),
    ],
)
def test_a_failure_is_told_without_secrets(
    url: str,
    kind: type[LabelcycleError],
    wanted: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    everything = logging.StreamHandler(io.StringIO())  # pytest's own hears loggers that we silence
    logging.getLogger().addHandler(everything)
    address = Recipient(2, url.format(port=processes.free_port(0, "127.0.0.1")))
    with pytest.raises(kind, match=rf"^address 2 of LABELCYCLE_.*{wanted}") as told:
        sending.send(address, "title", "body")
    logging.getLogger().removeHandler(everything)
    shown = f"{told.value} {address!r} {everything.stream.getvalue()} {capfd.readouterr()}"
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_box_that_refuses_is_told_with_its_status() -> None:
    with http_box() as box:
        box.status = 403
        with pytest.raises(ServiceDown, match=r"was not reached \(.*error=403"):
            sending.send(Recipient(1, box.url), "title", "body")
