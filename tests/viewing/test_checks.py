from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from apps.audit.actions import write
from apps.audit.models import Entry
from apps.audit.words import on_record
from apps.viewing import checks, tasks
from apps.viewing.models import Finding, MonthlyCheck, ViewLog
from tests.cast import Role, make_camera, make_user
from tests.killing import killed_at

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 17)
NOON = datetime(2026, 10, 17, 3, tzinfo=UTC)  # in Seoul
MIDNIGHT = datetime(2026, 10, 17, 15, tzinfo=UTC)


@pytest.fixture
def camera(owner):
    return make_camera(owner)


@pytest.fixture
def auditor(centre):
    return make_user("auditor", centre, Role.AUDITOR)


def look(user, camera, times: int = 1, *, at=NOON, incident="none", door=ViewLog.Door.LIVE) -> None:
    reason = "a patrol" if incident == "none" else ""
    views = [
        ViewLog(
            user=user,
            camera=camera,
            door=door,
            incident_number=incident,
            reason=reason,
            opened_at=at + timedelta(seconds=n),
        )
        for n in range(times)
    ]
    ViewLog.objects.bulk_create(views)


def kinds() -> list[tuple[str, int]]:
    return list(Finding.objects.order_by("kind").values_list("kind", "times"))


def test_a_quiet_month_is_complete_at_once(operator, camera):
    look(operator, camera, 3)
    look(operator, camera, 50, incident="261017-000001")
    check = checks.make(OCTOBER)
    check.refresh_from_db()
    assert (check.month, check.views, check.downloads) == (date(2026, 10, 1), 53, 0)
    assert check.closed_at
    assert kinds() == []


@pytest.mark.parametrize(
    ("times", "at", "expected"),
    [
        (19, NOON, []),
        (20, NOON, [("one_camera", 20)]),
        (30, MIDNIGHT, [("night", 30), ("one_camera", 30)]),
        (100, NOON, [("no_incident", 100), ("one_camera", 100)]),
    ],
)
def test_many_views_without_an_incident_stand_out(operator, camera, times, at, expected):
    look(operator, camera, times, at=at)
    checks.make(OCTOBER)
    assert kinds() == expected


def test_every_download_is_to_be_confirmed(police, camera):
    look(police.user, camera, 2, incident="261017-000001", door=ViewLog.Door.CLIP)
    check = checks.make(OCTOBER)
    assert check.downloads == 2
    assert kinds() == [("downloads", 2)]


SEOUL = timezone.get_default_timezone()


@pytest.mark.parametrize(
    ("clock", "kind"),
    [((21, 59, 59), "downloads"), ((22, 0), "night_clips"), ((5, 59, 59), "night_clips"), ((6, 0), "downloads")],
)
def test_every_download_is_one_of_the_day_or_of_the_night(police, camera, clock, kind):
    look(police.user, camera, at=datetime(2026, 10, 17, *clock, tzinfo=SEOUL), incident="261017-000001", door="clip")
    checks.make(OCTOBER)
    assert kinds() == [(kind, 1)]


def nights(people, camera, counts: list[int], *, at=MIDNIGHT) -> dict[str, int]:
    """Who of them stands out, and for how many views of incidents."""
    for person, times in zip(people, counts, strict=True):
        look(person, camera, times, at=at, incident="261017-000001")
    checks.make(OCTOBER)
    found = Finding.objects.filter(kind="night_often")
    return {finding.who.split("(")[1].rstrip(")"): finding.times for finding in found}


@pytest.fixture
def shift(centre):
    return [make_user(f"night{n}", centre, Role.OPERATOR) for n in range(6)]


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ([80, 95, 110, 90, 105, 100], {}),  # a shift's work
        ([80, 95, 110, 90, 105, 300], {"night5": 300}),
        ([20, 60, 150, 90, 240, 10], {}),  # nights are shared unevenly
        ([40, 40, 40, 40, 40, 80], {}),
        ([40, 40, 40, 40, 40, 81], {"night5": 81}),
        ([2, 2, 2, 2, 2, 30], {}),
        ([2, 2, 2, 2, 2, 31], {"night5": 31}),
    ],
)
def test_views_of_incidents_at_night_stand_out_against_the_others(counts, found, shift, camera):
    assert nights(shift, camera, counts) == found


def test_the_others_are_told_with_it(shift, camera):
    nights(shift, camera, [10, 12, 14, 16, 18, 200])
    assert Finding.objects.get().subject == on_record(checks.OTHERS) % {"people": 6, "usual": 15}


@pytest.mark.parametrize(("times", "found"), [(300, {}), (301, {"night0": 301})])
def test_with_few_to_compare_with_only_very_many_stand_out(times, found, shift, camera):
    assert nights(shift[:4], camera, [times, 3, 3, 3]) == found


def test_agencies_people_are_compared_with_each_other(shift, police, camera):
    officers = [make_user(f"officer{n}", police.agency, Role.OFFICER) for n in range(5)]
    assert nights([*shift, *officers], camera, [200] * 6 + [5, 6, 7, 8, 90]) == {"officer4": 90}


def test_by_day_and_by_a_system_it_is_nobodys_night(shift, police, camera):
    system = {"key": police.key, "camera": camera, "door": "live", "incident_number": "261017-000001"}
    ViewLog.objects.bulk_create(ViewLog(**system, opened_at=MIDNIGHT) for _ in range(400))
    assert nights(shift, camera, [3, 3, 3, 3, 3, 400], at=NOON) == {}


def test_no_view_is_in_two_findings_of_the_night(operator, camera):
    look(operator, camera, 10, at=MIDNIGHT, incident="261017-000001", door="clip")
    look(operator, camera, 15, at=MIDNIGHT)
    checks.make(OCTOBER)
    assert kinds() == [("night_clips", 10)]


def test_an_agencys_system_is_named_by_its_key(police, camera):
    rows = [
        ViewLog(key=police.key, camera=camera, door=ViewLog.Door.LIVE, reason="x", opened_at=NOON) for _ in range(20)
    ]
    ViewLog.objects.bulk_create(rows)
    checks.make(OCTOBER)
    assert Finding.objects.get().who == police.key.label


def test_searches_for_one_person_and_refusals_stand_out(police):
    words = ["Kim Min", "kim min"]
    searches = [Entry(at=NOON, verb="person.searched", actor_name="police", detail={"words": one}) for one in words]
    write(searches * 2 + [Entry(at=NOON, verb="person.searched", actor_name="police", detail={"words": "kim mi"})])
    write(searches[:1])
    write([Entry(at=NOON, verb="view.refused", actor_name="police")] * 10)
    checks.make(OCTOBER)
    assert kinds() == [("one_person", 5), ("refused", 10)]
    assert Finding.objects.get(kind="one_person").subject == "kim min"


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        (datetime(2026, 9, 30, 14, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 9, 30, 15, tzinfo=UTC), 1),
        (datetime(2026, 10, 31, 14, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 10, 31, 15, tzinfo=UTC), 0),
    ],
)
def test_a_month_is_the_citys_own(operator, camera, at, counted):
    look(operator, camera, at=at)
    assert checks.make(OCTOBER).views == counted


def test_a_month_is_looked_through_once(operator, camera):
    look(operator, camera, 20)
    first = checks.make(OCTOBER)
    look(operator, camera, 20)
    assert checks.make(OCTOBER) == first
    assert kinds() == [("one_camera", 20)]


STEPS = [
    # Where it is killed, and how many of two months are looked through by then.
    (MonthlyCheck.objects, "get_or_create", 0, 0),
    (Finding.objects, "bulk_create", 0, 0),
    (checks, "record", 0, 0),
    (checks, "close_if_done", 0, 0),
    (checks, "make", 1, 1),
    (Finding.objects, "bulk_create", 0, 1),
    (checks, "close_if_done", 0, 1),
]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_step_each_month_is_looked_through_once(operator, camera):
    day = timezone.localdate().day
    for days in (day + 35, day + 3):
        look(operator, camera, 20, at=timezone.now() - timedelta(days=days))
    for place, name, calls, done in STEPS:
        killed_at(tasks.check_complete_months, place, name, calls)
        assert looked_through() == [done] * 3
    tasks.check_complete_months()
    assert looked_through() == [2] * 3


def looked_through() -> list[int]:
    told = Entry.objects.filter(verb="access_log.checked").count()
    return [MonthlyCheck.objects.count(), Finding.objects.filter(times=20).count(), told]


def test_the_last_answer_completes_the_month(operator, camera, auditor):
    look(operator, camera, 100)
    check = checks.make(OCTOBER)
    for finding in check.findings.all():
        assert MonthlyCheck.objects.get().closed_at is None
        checks.sign_off(finding, in_order=True, answer="the fair, as ordered", by=auditor)
    assert MonthlyCheck.objects.get().closed_at
    assert Entry.objects.filter(verb="access_log.signed_off", actor=auditor).count() == 2


def test_nobody_signs_off_what_concerns_themselves(centre, camera):
    supervisor = make_user("supervisor", centre, Role.SUPERVISOR, last_name="이", first_name="서준")
    look(supervisor, camera, 20)
    finding = checks.make(OCTOBER).findings.get()
    with pytest.raises(checks.NotTheirCheck, match="yourself"):
        checks.sign_off(finding, in_order=True, answer="fine", by=supervisor)


@pytest.mark.parametrize("answer", ["", "   "])
def test_an_answer_is_in_words(operator, camera, auditor, answer):
    look(operator, camera, 20)
    finding = checks.make(OCTOBER).findings.get()
    with pytest.raises(checks.NotTheirCheck, match="Say what"):
        checks.sign_off(finding, in_order=True, answer=answer, by=auditor)


def test_a_finding_is_signed_off_once(operator, camera, auditor):
    look(operator, camera, 20)
    finding = checks.make(OCTOBER).findings.get()
    checks.sign_off(finding, in_order=False, answer="asked, no answer", by=auditor)
    with pytest.raises(checks.NotTheirCheck, match="already"):
        checks.sign_off(finding, in_order=True, answer="never mind", by=auditor)
    assert Finding.objects.get().in_order is False


def test_the_page_shows_and_signs_off(client, operator, camera, auditor):
    look(operator, camera, 20)
    finding = checks.make(OCTOBER).findings.get()
    client.force_login(auditor)
    page = client.get("/checks/").content.decode()
    assert "2026-10" in page
    assert camera.number in page
    client.post(f"/checks/findings/{finding.pk}/", {"answer": "asked him", "in_order": "yes"})
    assert Finding.objects.get().in_order is True
    assert "asked him" in client.get("/checks/?month=2026-10").content.decode()


def test_the_page_is_for_those_who_check(client, operator, police, camera):
    look(operator, camera, 20)
    finding = checks.make(OCTOBER).findings.get()
    chief = make_user("chief", police.agency, Role.ADMINISTRATOR)
    for other in (operator, police.user, chief):
        client.force_login(other)
        assert client.get("/checks/").status_code == 403
        assert client.post(f"/checks/findings/{finding.pk}/", {"answer": "x"}).status_code == 403
    assert Finding.objects.get().signed_at is None


@pytest.mark.parametrize("month", ["", "2026-10", "2099-01", "nonsense", "2026-10' or 1=1"])
def test_any_month_may_be_asked_for(client, auditor, month):
    client.force_login(auditor)
    assert client.get("/checks/", {"month": month}).status_code == 200


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


@pytest.mark.parametrize("step", ["findings", "record", "close_if_done"])
def test_a_check_that_is_broken_off_is_made_whole_by_the_next(operator, camera, monkeypatch, step):
    """Nothing of the first is left, and nothing is counted twice."""
    look(operator, camera, 20)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checks, step, killed)
        checks.make(OCTOBER)
    assert not MonthlyCheck.objects.exists()
    checks.make(OCTOBER)
    assert MonthlyCheck.objects.get().findings.count() == 1
    assert Entry.objects.filter(verb="access_log.checked").count() == 1


def killed(*args, **kwargs):
    raise Killed


def test_an_answer_that_is_broken_off_is_not_given(operator, camera, auditor, monkeypatch):
    look(operator, camera, 20)
    finding = checks.make(OCTOBER).findings.get()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checks, "close_if_done", killed)
        checks.sign_off(finding, in_order=True, answer="asked", by=auditor)
    assert MonthlyCheck.objects.get().closed_at is None
    checks.sign_off(finding, in_order=True, answer="asked", by=auditor)
    assert MonthlyCheck.objects.get().closed_at


def test_months_that_were_missed_are_looked_through(operator, camera, monkeypatch):
    """The worker was down for months; what broke off at one goes on there."""
    today = timezone.localdate().replace(day=1)
    past = [(today - timedelta(days=days)).replace(day=1) for days in (1, 32, 63)]
    look(operator, camera, at=datetime(past[-1].year, past[-1].month, 15, tzinfo=UTC))
    made = checks.make
    monkeypatch.setattr(checks, "make", lambda month: made(month) if month != past[0] else killed())
    with pytest.raises(Killed):
        tasks.check_complete_months()
    monkeypatch.undo()
    tasks.check_complete_months()
    assert sorted(MonthlyCheck.objects.values_list("month", flat=True)) == sorted(past)
    tasks.check_complete_months()
    assert MonthlyCheck.objects.count() == 3
