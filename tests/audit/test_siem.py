import re
import socket
import threading

import pytest
from django.core.management import CommandError, call_command

from apps.audit import siem
from apps.audit.actions import record, seal
from apps.audit.models import Entry, Forwarding, Link

pytestmark = pytest.mark.django_db


class Collector(threading.Thread):
    """A SIEM's front door: takes a connection, keeps what it is told."""

    def __init__(self):
        super().__init__(daemon=True)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.door.getsockname()[1]}"
        self.heard = b""
        self.start()

    def run(self):
        with self.door:
            caller, _address = self.door.accept()
            with caller:
                while part := caller.recv(65_536):
                    self.heard += part

    def frames(self) -> list[str]:
        """The messages, each of the length that was announced before it."""
        found, rest = [], self.heard
        while rest:
            length, _space, rest = rest.partition(b" ")
            found.append(rest[: int(length)].decode())
            rest = rest[int(length) :]
        return found


def test_sealed_entries_are_told_once_and_in_order(settings):
    collector = Collector()
    settings.SIEM_ADDRESS = collector.address
    for index in range(3):
        record("view.refused", index=index)
    assert siem.forward() == 0
    seal()
    assert siem.forward() == 3
    assert siem.forward() == 0
    collector.join(2)
    frames = collector.frames()
    assert [re.search(r"externalId=(\d+)", frame)[1] for frame in frames] == ["1", "2", "3"]
    assert all(frame.startswith("<108>1 2") and "|view.refused|view.refused|6|" in frame for frame in frames)


def test_what_could_not_be_told_is_told_later(settings):
    with socket.create_server(("127.0.0.1", 0)) as door:
        settings.SIEM_ADDRESS = f"tcp://127.0.0.1:{door.getsockname()[1]}"
    record("tested")
    seal()
    with pytest.raises(ConnectionRefusedError):
        siem.forward()
    assert not Forwarding.objects.filter(position__gt=0).exists()


def test_nowhere_to_tell_is_no_error(settings):
    settings.SIEM_ADDRESS = ""
    assert siem.forward() == 0


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("a=b", "suser=a\\=b"),
        ("back\\slash", "suser=back\\\\slash"),
        ("line\nCEF:0|forged", "suser=line\\nCEF:0|forged"),
        ("교통경찰", "suser=교통경찰"),
    ],
)
def test_no_value_can_forge_a_field_or_an_event(actor, expected):
    event = siem.cef(Entry(verb="tested", actor_name=actor), 1)
    assert expected in event
    assert "\n" not in event


def test_a_verb_cannot_forge_a_column():
    assert "|a\\|b|a\\|b|3|" in siem.cef(Entry(verb="a|b"), 1)


def test_export_prints_what_is_sealed_since_a_moment(capsys):
    record("tested", words="한글")
    seal()
    record("later")
    call_command("export_audit")
    printed = capsys.readouterr().out
    assert printed.count("CEF:0|") == 1
    assert "한글" in printed
    call_command("export_audit", since="2999-01-01")
    assert capsys.readouterr().out == ""
    assert Link.objects.count() == 1


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01T00:00:00Z", ""])
def test_export_names_a_bad_moment(since):
    with pytest.raises(CommandError, match="since"):
        call_command("export_audit", since=since)


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_what_was_broken_off_while_telling_is_told_again_in_order(settings, monkeypatch, sent):
    """Twice rather than not at all: the collector knows a repeat by its externalId."""
    settings.SIEM_ADDRESS = "tcp://siem.example:6514"
    heard = []

    def dies_after(address, messages):
        heard.extend(message for message, _n in zip(messages, range(sent), strict=False))
        raise Killed

    for index in range(2):
        record("tested", index=index)
    seal()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(siem, "send", dies_after)
        siem.forward()
    monkeypatch.setattr(siem, "send", lambda address, messages: heard.extend(messages))
    assert siem.forward() == 2
    told = [int(re.search(rb"externalId=(\d+)", message)[1]) for message in heard]
    assert told[-2:] == [1, 2] and told[:-2] == [1, 2][: len(told) - 2]
