"""Scanned papers: what is let in, and who gets them out."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.audit.actions import entry, write
from apps.mous import scans
from apps.mous.models import Mou
from tests.cast import Role, allow, make_user

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\nsigned"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    storage = FileSystemStorage(tmp_path, file_permissions_mode=0o600)
    monkeypatch.setattr(Mou._meta.get_field("scan"), "storage", storage)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", PDF), ("A.PDF", PDF), ("a.png", b"\x89PNG\r\n\x1a\nx"), ("a.jpeg", b"\xff\xd8\xff\xe0")],
)
def test_papers_are_let_in(name, content):
    scans.validate_scan(SimpleUploadedFile(name, content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b""),
        ("a.pdf", b"\n" + PDF),
        ("a.pdf", b"<html><script>"),
        ("a.png", PDF),
        ("a.html", PDF),
        ("a.svg", b"<svg onload=x>"),
        ("a.pdf.exe", PDF),
        ("pdf", PDF),
    ],
)
def test_what_is_not_what_it_says_stays_out(name, content):
    with pytest.raises(ValidationError):
        scans.validate_scan(SimpleUploadedFile(name, content))


def test_nor_what_is_too_large(monkeypatch):
    monkeypatch.setattr(scans, "LARGEST", 10)
    with pytest.raises(ValidationError, match="MB"):
        scans.validate_scan(SimpleUploadedFile("a.pdf", PDF))


def test_on_disk_it_has_a_name_of_ours(own_folder, police):
    police.mou.scan.save("../../etc/passwd.pdf", SimpleUploadedFile("x.pdf", PDF))
    (file,) = own_folder.iterdir()
    assert "passwd" not in file.name and file.suffix == ".pdf"
    assert file.stat().st_mode & 0o077 == 0


def test_the_parties_and_the_centre_read_it_and_nobody_else(client, police, fire, operator, centre):
    police.mou.scan.save("paper.pdf", SimpleUploadedFile("paper.pdf", PDF))
    page = reverse("agreement_scan", args=["mou", police.mou.pk])
    in_admin = reverse("admin:mou_scan", args=[police.mou.pk])
    for person in (police.user, operator):
        client.force_login(person)
        answer = client.get(page)
        assert answer.content == PDF
        assert answer["Content-Type"] == "application/pdf" and "attachment" in answer["Content-Disposition"]
        assert client.get(in_admin).status_code == 302  # not of the administration
    client.force_login(allow(make_user("clerk", centre, Role.ADMINISTRATOR, is_staff=True), "view_mou"))
    assert client.get(in_admin).content == PDF
    client.force_login(fire.user)
    assert client.get(page).status_code == 404
    client.logout()
    assert client.get(page).status_code == 302


def test_without_a_paper_there_is_none(client, police):
    client.force_login(police.user)
    assert client.get(reverse("agreement_scan", args=["mou", police.mou.pk])).status_code == 404


def test_only_ones_own_papers_of_a_day_are_counted(monkeypatch, operator, supervisor):
    monkeypatch.setattr(scans, "PAPERS_A_DAY", 2)
    day = timezone.now() - timedelta(days=1)
    kept = [entry("mou.added", actor=operator, fields=["scan", "purpose"]) for _n in range(2)]
    others = entry("mou.added", actor=supervisor, fields=["scan"])
    no_paper = entry("mou.changed", actor=operator, fields=["purpose"])
    kept[0].at = day
    write([*kept, others, no_paper])
    scans.refuse_too_many(by=operator)
    write([entry("integration.changed", actor=operator, fields=["scan"])])
    with pytest.raises(ValidationError, match="no more"):
        scans.refuse_too_many(by=operator)
    scans.refuse_too_many(by=supervisor)
