"""Papers past a real clamd, whose only signature is ours."""

import os
import shutil
import socket
import subprocess
import threading

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.audit.models import Entry
from apps.mous import scans, viruses
from apps.mous.models import Integration
from daejeon_soc.up import ports
from tests.cast import Role, allow, make_user
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

VIRUS = b"THIS-STANDS-FOR-A-VIRUS"
CLEAN = b"%PDF-1.4\nsigned"
INFECTED = b"%PDF-1.4\n" + b"x" * 400_000 + VIRUS
CONFIGURATION = """\
DatabaseDirectory {folder}/signatures
LocalSocket {folder}/clamd.ctl
TCPSocket {port}
TCPAddr 127.0.0.1
Foreground yes
StreamMaxLength 1M
MaxThreads 2
"""


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    """The addresses of a clamd of its own: (unix, tcp)."""
    program = shutil.which("clamd", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("clamd is not installed")
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "signatures").mkdir()
    (folder / "signatures" / "ours.ndb").write_text(f"Stands.For.A.Virus:0:*:{VIRUS.hex()}\n")
    port = ports.choose(besides=set())
    (folder / "clamd.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    daemon = subprocess.Popen(
        [program, "-c", folder / "clamd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    until(lambda: daemon.poll() is not None or (folder / "clamd.ctl").is_socket(), "clamd comes up")
    yield f"unix://{folder}/clamd.ctl", f"tcp://127.0.0.1:{port}"
    daemon.kill()
    daemon.wait()


def paper(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.pdf", content)


@pytest.mark.parametrize("way", [0, 1], ids=["unix", "tcp"])
def test_a_virus_is_named_and_a_clean_paper_passes(clamd, settings, way):
    settings.CLAMD_ADDRESS = clamd[way]
    assert viruses.virus_in(paper(CLEAN)) == ""
    assert viruses.virus_in(paper(b"")) == ""
    assert viruses.virus_in(paper(INFECTED)) == "Stands.For.A.Virus.UNOFFICIAL"
    kept = paper(CLEAN)
    viruses.refuse_infected(kept, by=None)
    assert kept.read() == CLEAN, "what was looked at is saved from its beginning"


def test_what_is_too_large_for_the_scanner_is_not_let_in(clamd, settings):
    settings.CLAMD_ADDRESS = clamd[0]
    with pytest.raises(viruses.Unanswered, match="size limit"):
        viruses.virus_in(paper(b"%PDF-1.4" + b"x" * 3_000_000))


@pytest.fixture
def desk(centre, tmp_path, monkeypatch) -> Client:
    monkeypatch.setattr(Integration._meta.get_field("scan"), "storage", FileSystemStorage(tmp_path))
    rights = ("add_integration", "view_integration", "change_integration")
    desk = Client(headers={"accept-language": "en"})
    desk.force_login(allow(make_user("clerk", centre, Role.ADMINISTRATOR), *rights))
    return desk


def upload(desk: Client, content: bytes, owner) -> str:
    """A whole agreement with its paper; what the page says."""
    times = {f"{name}_at_{n}": part for name in ("starts", "ends") for n, part in enumerate(("2026-01-01", "12:00"))}
    times["ends_at_0"] = "2036-01-01"
    form = {"owner": owner.pk, "document_number": "I-1", "purpose": "x", "scan": paper(content), **times}
    consents = {"consents-TOTAL_FORMS": "0", "consents-INITIAL_FORMS": "0"}
    return desk.post("/admin/mous/integration/add/", form | consents, follow=True).content.decode()


def test_one_person_cannot_fill_the_disk_with_papers(desk, owner, tmp_path, monkeypatch):
    monkeypatch.setattr(scans, "PAPERS_A_DAY", 1)
    assert "no more for now" not in upload(desk, CLEAN, owner)
    assert "no more for now" in upload(desk, CLEAN, owner)
    assert Integration.objects.count() == len(list(tmp_path.iterdir())) == 1


def test_the_uploader_is_told_nothing_is_kept_and_it_is_on_record(clamd, settings, desk, owner, tmp_path):
    settings.CLAMD_ADDRESS = clamd[0]
    assert "Stands.For.A.Virus" in upload(desk, INFECTED, owner)
    assert not Integration.objects.exists() and not list(tmp_path.iterdir())
    entry = Entry.objects.get(verb="paper.infected")
    assert (entry.actor.username, entry.detail) == (
        "clerk",
        {"file": "a.pdf", "virus": "Stands.For.A.Virus.UNOFFICIAL"},
    )
    upload(desk, CLEAN, owner)
    assert Integration.objects.exists() and [file.read_bytes() for file in tmp_path.iterdir()] == [CLEAN]


def test_while_it_does_not_answer_no_paper_is_taken(settings, desk, owner, tmp_path):
    settings.CLAMD_ADDRESS = f"unix://{tmp_path}/nobody.ctl"
    assert "did not answer" in upload(desk, CLEAN, owner)
    assert not Integration.objects.exists()
    assert Entry.objects.get(verb="paper.not_scanned").actor.username == "clerk"


@pytest.mark.parametrize(
    "said", [b"", b"stream: ERROR\0", b"what?\0", b"\xff\xfe\0", b"stream: OK", b"x" * 10_000, b"stream: OK FOUND OK\0"]
)
def test_what_is_no_answer_lets_nothing_in(said, settings):
    """Whoever else may sit there, and words that broke off."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CLAMD_ADDRESS = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        threading.Thread(target=speak_once, args=(server, said), daemon=True).start()
        with pytest.raises(ValidationError, match=r"."):
            viruses.refuse_infected(paper(CLEAN), by=None)


def speak_once(server: socket.socket, said: bytes) -> None:
    line, _address = server.accept()
    with line:
        line.recv(100)
        line.sendall(said)


def test_without_a_scanner_papers_are_kept_as_they_were(settings):
    settings.CLAMD_ADDRESS = ""
    viruses.refuse_infected(paper(INFECTED), by=None)
