"""The register in the law's columns, on the page, as a spreadsheet and printed; what is published of a year."""

import csv
import io
import zipfile
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.actions import Wish, break_glass, refuse, report_result
from apps.mous.models import LedgerEntry, Mou, Provision
from apps.mous.publication import publication
from apps.video.models import Clip
from apps.viewing.models import ProvidedCopy
from apps.viewing.register import COLUMNS, LAW, Extract
from apps.viewing.register_files import comma_safe, fonts, printed, spreadsheet, wrapped
from tests.cast import Role, allow, make_agency, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db
NASTY = ['=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "\t=1", "a\x01b\x0bc", "가" * 400, "<b>&amp;", "’", ""]


def of_today(**more) -> Extract:
    today = timezone.localdate()
    return Extract(today, today, **more)


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def reader(centre):
    return allow(make_user("auditor", centre, Role.AUDITOR), "view_ledgerentry")


def write_line(purpose: str = "x", **details) -> LedgerEntry:
    return LedgerEntry.objects.create(**{"kind": "use", "officer": "김하늘", "purpose": purpose, **details})


def test_the_columns_are_the_laws(incident):
    (line,) = of_today().lines()
    texts = {str(column.heading): column.text(line) for column in LAW}
    assert list(texts) == [
        "Number",
        "Kind",
        "Date and time",
        "File name / form",
        "Officer in charge",
        "Purpose / reason",
        "Third party used by or provided to / requester",
        "Ground of use or provision",
        "Form of use or provision",
        "Period",
    ]
    assert texts["Kind"] == "Provision to a third party"
    assert "Live video" in texts["File name / form"]
    assert texts["Ground of use or provision"].startswith("Urgent protection")
    assert texts["Form of use or provision"] == "Video stream"


def test_whole_days_in_the_citys_zone_by_agency(police, incident):
    midnight = timezone.make_aware(timezone.datetime(2026, 3, 1))
    for moment in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(days=1)):
        write_line(at=moment)
    found = Extract(date(2026, 3, 1), date(2026, 3, 1)).lines()
    assert [line.at for line in found] == [midnight]
    assert of_today(agency=make_agency("other")).lines().count() == 0
    assert of_today(agency=police.agency).lines().count() == 1


def test_refusals_only_when_asked_for(police):
    refuse(police.agency, "no_mou", purpose="x", officer="y")
    assert of_today().lines().count() == 0
    assert of_today(refusals=True).lines().count() == 1


def test_a_copy_that_left_is_told_with_its_destruction_and_result(police, incident, camera):
    provision, now = incident.provisions.get(), timezone.now()
    line = write_line(kind="provide", provision=provision, agency=police.agency, manner="file", file_name="a.mp4")
    clip = Clip.objects.create(camera=camera, starts_at=now - timedelta(minutes=1), ends_at=now, sha256="0" * 64)
    copy = ProvidedCopy.objects.create(
        provision=provision,
        clip=clip,
        agency=police.agency,
        ledger_number=line.pk,
        requested_by="경위 박지우",
        destroy_by=now,
    )

    def told() -> dict:
        found = of_today().lines().get(pk=line.pk)
        return {str(column.heading): column.text(found) for column in COLUMNS}

    assert (told()["Recipient (rank, name)"], told()["Destruction"], told()["Arrest"]) == (
        "경위 박지우",
        "In use",
        "Not reported",
    )
    report_result(provision, "arrest", by=police.user)
    ProvidedCopy.objects.filter(pk=copy.pk).update(confirmed_at=now)
    assert (told()["Destruction"], told()["Arrest"]) == ("Destroyed, confirmed by the recipient", "Yes")
    assert told()["Document number"] == police.mou.document_number


def test_nothing_typed_is_ever_a_formula(db):
    for text in NASTY:
        write_line(text, third_party=text[:200])
    body = spreadsheet(of_today())
    sheet = load_workbook(io.BytesIO(body)).active
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == len(NASTY)
    assert {cell.data_type for row in rows for cell in row if cell.value is not None} == {"s"}
    assert rows[0][5].value == NASTY[0] and rows[0][5].quotePrefix
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", NASTY)
def test_nor_in_a_csv(text):
    assert not comma_safe(text).startswith(("=", "+", "-", "@", "\t"))


def test_the_printed_form_holds_every_line_on_as_many_pages_as_it_takes(db):
    for number in range(80):
        write_line(NASTY[number % len(NASTY)])
    body = printed(of_today())
    assert body.startswith(b"%PDF-") and body.rstrip().endswith(b"%%EOF")
    assert body.count(b"/Type /Page\n") > 1
    assert b"Pretendard" in body and b"/FontFile2" in body  # embedded, not borrowed from the reader's machine


def test_an_empty_period_prints_an_empty_form(db):
    assert printed(of_today()).startswith(b"%PDF-")


@pytest.mark.parametrize("text", NASTY)
def test_no_word_is_lost_in_wrapping(text):
    font, _bold = fonts()
    joined = "".join(wrapped(text, font, 40))
    visible = "".join(c for c in text if c.isprintable() and not c.isspace())
    assert joined.replace(" ", "") == visible


# --- pages -------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def pages_in_english(client):
    client.cookies["django_language"] = "en"


def test_who_reads_the_register(client, operator, police, reader, incident):
    for person in (operator, police.user):
        client.force_login(person)
        for address in (reverse("register"), reverse("register_file", args=["pdf"])):
            assert client.get(address).status_code == 403
    client.force_login(reader)
    assert incident.provisions.get().purpose in client.get(reverse("register")).content.decode()


@pytest.mark.parametrize(("form", "begins"), [("pdf", b"%PDF-"), ("xlsx", b"PK")])
def test_taking_a_file_is_on_record(form, begins, client, reader, incident):
    client.force_login(reader)
    answer = client.get(reverse("register_file", args=[form]))
    assert answer.content.startswith(begins)
    assert answer["Cache-Control"] == "no-store, private" and "attachment" in answer["Content-Disposition"]
    entry = Entry.objects.get(verb="register.exported")
    assert (entry.actor, entry.detail["form"], entry.detail["lines"]) == (reader, form, 1)


@pytest.mark.parametrize("query", ["first=2026-01-01&last=2027-06-01", "first=x", "last=1999-01-01", "agency=no-such"])
def test_a_bad_question_is_said_and_gives_no_file(query, client, reader):
    client.force_login(reader)
    assert client.get(f"{reverse('register')}?{query}").status_code == 422
    assert client.get(f"{reverse('register_file', args=['pdf'])}?{query}").status_code == 404
    assert client.get(reverse("register_file", args=["exe"])).status_code == 404


# --- published -----------------------------------------------------------------------------


def test_the_years_grounds_are_public_and_name_nobody(client, police, incident, operator, camera):
    until = timezone.now() + timedelta(hours=1)
    desk = allow(operator, "break_glass")
    break_glass(Wish(police.agency, [camera.pk], ["live"], until, "looking for Hong Gil-dong"), by=desk)
    year = timezone.localdate().year
    for answer in (client.get(reverse("published")), client.get(reverse("published_csv", args=[year]))):
        text = answer.content.decode()
        assert answer.status_code == 200
        assert police.mou.purpose in text and police.agency.name in text
        assert "Hong" not in text and incident.number not in text and camera.number not in text


@pytest.mark.parametrize("ground", ["consent", "investigation"])
def test_what_the_law_leaves_out(ground, incident):
    Provision.objects.update(legal_ground=ground)
    assert publication(timezone.localdate().year) == []


def test_exercises_and_other_years_are_left_out(police, camera):
    drill = receive(police.agency, checked(exercise=True), by=police.user).incident
    assert drill.is_exercise and publication(timezone.localdate().year) == []
    receive(police.agency, checked(), by=police.user)
    (line,) = publication(timezone.localdate().year)
    assert (line.provisions, line.agency) == (1, police.agency)
    assert publication(timezone.localdate().year - 1) == []


def test_the_table_is_safe_to_open(client, police, incident):
    Mou.objects.update(purpose="=cmd()")
    answer = client.get(reverse("published_csv", args=[timezone.localdate().year])).content.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(answer)))[1][2] == "'=cmd()"
    assert client.get("/published/1/").status_code == 404
