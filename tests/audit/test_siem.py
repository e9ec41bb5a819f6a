import re
import socket
import ssl
import threading
from contextlib import suppress
from functools import partial
from math import inf

import pytest
from django.core.management import CommandError, call_command

from apps.audit import siem
from apps.audit.actions import record, seal
from apps.audit.models import Entry, Forwarding, Link
from apps.video.tls import for_reader, for_recorder
from tests.killing import killed_at

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


class Collectors:
    """The same, for one caller after another; closes each connection when it has read `most` bytes of it."""

    def __init__(self, most: float = inf, opened=lambda caller: caller, parted=lambda caller: None):
        self.door, self.heard, self.most = socket.create_server(("127.0.0.1", 0)), [], most
        self.opened, self.parted = opened, parted
        self.address = f"tcp://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with suppress(OSError):
            while True:
                with self.opened(self.door.accept()[0]) as caller:
                    self.heard.append(b"")
                    while len(self.heard[-1]) < self.most and (part := caller.recv(4_000)):
                        self.heard[-1] += part
                    self.parted(caller)

    def positions(self) -> list[int]:
        return [int(found) for heard in self.heard for found in re.findall(rb"externalId=(\d+)", heard)]


def test_what_lies_in_buffers_is_not_told(settings):
    """A collector that dies with half of it unread: all of it is told again."""
    collector = Collectors(most=1)
    settings.SIEM_ADDRESS = collector.address
    for index in range(40):
        record("tested", index=index)
    seal()
    with pytest.raises(OSError):
        siem.forward()
    collector.most = inf
    assert siem.forward() == 40
    collector.door.close()
    assert collector.positions()[-40:] == list(range(1, 41))


@pytest.mark.parametrize("parted", [lambda caller: caller.unwrap(), lambda caller: None], ids=["politely", "curtly"])
def test_by_tls_the_other_end_is_waited_for_too(settings, monkeypatch, parted):
    context, _fingerprint = for_recorder()
    collector = Collectors(opened=partial(context.wrap_socket, server_side=True), parted=parted)
    settings.SIEM_ADDRESS = collector.address.replace("tcp", "tls")
    monkeypatch.setattr(ssl, "create_default_context", lambda: for_reader("192.0.2.1"))
    record("tested")
    seal()
    assert siem.forward() == 1
    collector.door.close()
    assert collector.positions() == [1]


STEPS = [
    # Where it is killed, and how many of three entries are told by then.
    (siem, "send", 0, 0),
    (siem, "syslog", 0, 0),
    (siem, "syslog", 2, 2),
    (siem, "_wait_until_read", 0, 3),
    (Forwarding, "save", 0, 3),
]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_step_nothing_is_lost_and_no_more_than_its_lot_is_told_twice(settings):
    collector = Collectors()
    settings.SIEM_ADDRESS = collector.address
    expected, last = [], 0
    for place, name, calls, told in STEPS:
        for index in range(3):
            record("tested", index=index)
        seal()
        lot, last = [last + 1, last + 2, last + 3], last + 3
        killed_at(siem.forward, place, name, calls)
        assert siem.forward() == 3
        assert siem.forward() == 0
        expected += lot[:told] + lot
    collector.door.close()
    assert collector.positions() == expected
