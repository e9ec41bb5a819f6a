"""The register in the law's columns, on the page, as a spreadsheet and printed; what is published of a year."""

import csv
import io
import zipfile
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from openpyxl import load_workbook
from pypdf import PdfReader

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.actions import Wish, break_glass, refuse, report_result
from apps.mous.models import LedgerEntry, Mou, Provision
from apps.mous.publication import publication
from apps.video.models import Clip
from apps.viewing.models import ProvidedCopy
from apps.viewing.register import COLUMNS, EXPORTED, LAW, OF_FILES, Extract, copy_of
from apps.viewing.register_files import comma_safe, fonts, printed, spreadsheet, wrapped
from tests.cast import Role, allow, make_agency, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db
FAR_AWAY = ["first=9999-12-31&last=9999-12-31", "first=0001-01-01&last=0001-01-02"]
BAD = ["first=2026-01-01&last=2027-06-01", "first=x", "last=1999-01-01", "agency=no-such", *FAR_AWAY]
NASTY = ['=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "\t=1", "a\x01b\x0bc", "가" * 400, "<b>&amp;", "’", ""]


def of_today(**more) -> Extract:
    """And of yesterday: midnight may pass meanwhile."""
    today = timezone.localdate()
    return Extract(today - timedelta(days=1), today, **more)


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


def test_an_exercise_is_told_apart(police, incident, owner):
    make_camera(owner, is_virtual=True)
    practice = receive(police.agency, checked(exercise=True), by=police.user).incident
    refuse(police.agency, "no_mou", purpose="x", officer="y", incident_number=practice.number)
    (purpose_of,) = (column.text for column in LAW if str(column.heading) == "Purpose / reason")
    told = [purpose_of(line).partition("] ")[0] for line in of_today(refusals=True).lines()]
    assert told == [police.mou.purpose, "[Exercise", "[Exercise"]


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

    assert (told()["Recipient (rank, name)"], told()["Result of destruction"], told()["Arrest"]) == (
        "경위 박지우",
        "In use",
        "Not reported",
    )
    report_result(provision, "arrest", by=police.user)
    ProvidedCopy.objects.filter(pk=copy.pk).update(confirmed_at=now)
    assert (told()["Result of destruction"], told()["Arrest"]) == ("Destroyed, confirmed by the recipient", "Yes")
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


def squeezed(text: str) -> str:
    return "".join(text.split())


def read_back(body: bytes) -> list[str]:
    """The text of each page, without the spaces that lie between the lines of a cell."""
    return [squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(body)).pages]


@pytest.fixture
def files_given_out(police, incident, camera):
    """Twelve lines with long names and reasons; every third is of a file that left."""
    type(police.agency).objects.update(name_ko="대전광역시경찰청 둔산경찰서 112치안종합상황실 여성청소년수사팀")
    provision, now = incident.provisions.get(), timezone.now()
    for number in range(12):
        details = {"provision": provision, "agency": police.agency, "file_name": f"{number:03}.mp4"}
        line = write_line(f"제{number}호 실종 아동 수색 " + "긴사유" * 40, kind="provide", ground="urgent", **details)
        if number % 3 == 0:
            clip = Clip.objects.create(camera=camera, starts_at=now - timedelta(minutes=1), ends_at=now)
            ProvidedCopy.objects.create(
                provision=provision,
                clip=clip,
                agency=police.agency,
                ledger_number=line.pk,
                requested_by=f"경위 황보하늘빛나라제갈선우{number} (112 종합상황실 연계시스템)",
                destroy_by=now + timedelta(days=number),
            )


def test_the_printed_form_holds_every_line_and_what_left_the_centre(files_given_out):
    with override("ko"):
        body = printed(of_today())
        lines = list(of_today().lines())
        wanted = [[squeezed(column.text(line)) for column in LAW] for line in lines]
        of_files = [[squeezed(column.text(line)) for column in OF_FILES] for line in lines if copy_of(line)]
        headings = [[squeezed(str(column.heading)) for column in columns] for columns in (LAW, OF_FILES)]
    *register, annex = read_back(body)
    assert len(lines) == 13 and len(of_files) == 4
    for rows, pages in ((wanted, "".join(register)), (of_files, annex)):
        assert [text for row in rows for text in row if text not in pages] == []
    for names, pages in ((headings[0], register), (headings[1], [annex])):
        assert [name for name in names for page in pages if name not in page] == []
    assert b"Pretendard" in body and b"/FontFile2" in body  # embedded, not borrowed from the reader's machine


def test_the_annex_has_all_that_the_spreadsheet_has_more(db):
    assert [column for column in COLUMNS if column not in LAW] == EXPORTED
    assert [column for column in EXPORTED if column not in OF_FILES] == []
    assert len({str(column.heading) for column in COLUMNS}) == len(COLUMNS)


def test_a_line_that_no_page_could_hold_goes_on_under_its_number(db):
    cameras = [f"DJ-SG-{number:05}" for number in range(700)]
    line = write_line(cameras=cameras)
    pages = read_back(printed(of_today()))
    assert len(pages) > 2
    assert [number for number in cameras if number not in "".join(pages)] == []
    assert all(f"Period{line.pk}" in page for page in pages)  # after the last heading, on every page


def test_what_the_typeface_lacks_is_printed_as_its_number(db):
    assert list(wrapped("홍길동(洪吉童) 😀\x00", fonts()[0], 400)) == ["홍길동([U+6D2A][U+5409][U+7AE5]) [U+1F600]"]


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


@pytest.mark.parametrize(
    "query", ["first=2026-01-01&last=2027-06-01", "first=x", "last=1999-01-01", "agency=no-such", *FAR_AWAY]
)
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
