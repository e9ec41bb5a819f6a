"""What came of provision: counted right, shown to those it is for, safe to open as a table."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.incidents.models import Incident
from apps.linked_services.actions import receive
from apps.mous.actions import Wish, break_glass, report_result
from apps.mous.hit_rate import lines, together
from apps.mous.models import Provision
from tests.cast import Role, allow, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pages_in_english(client):
    client.cookies["django_language"] = "en"


@pytest.fixture
def reader(centre):
    return allow(make_user("auditor", centre, Role.AUDITOR), "view_ledgerentry")


def provided(party, outcome: str = "", **call) -> Provision:
    provision = receive(party.agency, checked(**call), by=party.user).incident.provisions.get(agency=party.agency)
    if outcome:
        report_result(provision, outcome, by=party.user)
    return provision


@pytest.fixture
def a_day(police, fire, camera):
    """Five robberies of the police, one of them unanswered, and a theft; a fire of the fire service; an exercise."""
    for outcome in ("helped", "arrest", "no_help", "false_alarm", ""):
        provided(police, outcome)
    provided(police, "rescued", type="theft")
    provided(fire, service="119-dispatch", type="fire")
    provided(police, "helped", exercise=True)


def today(**more):
    """And of yesterday: midnight may pass meanwhile."""
    day = timezone.localdate()
    return lines(day - timedelta(days=1), day, **more)


def test_counted_by_agency_service_and_type(a_day, police):
    told = [(x.agency.code, x.service, x.type, x.opened, x.answered, x.unanswered, x.percent) for x in today()]
    assert told == [
        ("fire", "119-dispatch", "fire", 1, 0, 1, None),
        ("police", "112-onsite", "robbery", 5, 4, 1, 50),
        ("police", "112-onsite", "theft", 1, 1, 0, 100),
    ]
    (whole,) = together(today(), lambda line: ())
    assert (whole.opened, whole.answered, whole.percent) == (7, 5, 60)
    assert whole.outcomes == {"helped": 1, "no_help": 1, "arrest": 1, "rescued": 1, "false_alarm": 1}
    assert [line.type for line in today(agencies=[police.agency.pk])] == ["robbery", "theft"]


def test_a_later_report_corrects_and_counts_once(police, camera):
    provision = provided(police, "helped")
    report_result(provision, "false_alarm", by=police.user)
    (line,) = today()
    assert (line.opened, line.answered, line.percent) == (1, 1, 0)


def test_without_an_incident_it_counts_too(police, camera, operator):
    wish = Wish(police.agency, [camera.pk], ["live"], timezone.now() + timedelta(hours=1), "a child is missing")
    report_result(break_glass(wish, by=allow(operator, "break_glass")), "rescued", by=police.user)
    (line,) = today()
    assert (line.service, line.type, line.percent) == ("", "", 100)


def test_days_and_months_are_the_citys(police, camera):
    moment = timezone.make_aware(timezone.datetime(2026, 3, 1))
    for at in (moment - timedelta(seconds=1), moment):
        Provision.objects.filter(pk=provided(police).pk).update(starts_at=at)
    first, last = moment.date() - timedelta(days=1), moment.date()
    assert [line.month for line in lines(first, last)] == ["2026-02", "2026-03"]
    assert [line.month for line in lines(last, last)] == ["2026-03"]
    assert [line.month for line in lines(first, first)] == ["2026-02"]
    assert [line.opened for line in together(lines(first, last), lambda line: (line.agency.code,))] == [2]


def test_readers_of_the_register_see_all_and_choose(a_day, client, reader, police):
    client.force_login(reader)
    page = client.get(reverse("hit_rate"))
    assert "112 on-site video" in page.content.decode() and "119 dispatch" in page.content.decode()
    assert [line.percent for line in page.context["rows"]] == [None, 50, 100]
    assert [line.opened for line in page.context["months"]] == [7]
    of_fire = client.get(reverse("hit_rate"), {"agency": "fire"})
    assert [line.agency.code for line in of_fire.context["rows"]] == ["fire"]


def test_an_agency_sees_its_own_whatever_it_asks_for(a_day, client, fire):
    client.force_login(fire.user)
    assert reverse("hit_rate") in client.get(reverse("agency_answers")).content.decode()
    for name in ("hit_rate", "hit_rate_table"):
        page = client.get(reverse(name), {"agency": "police"}).content.decode("utf-8-sig")
        assert "119 dispatch" in page and "112 " not in page


def test_an_operator_of_the_centre_has_none(client, operator):
    client.force_login(operator)
    assert [client.get(reverse(name)).status_code for name in ("hit_rate", "hit_rate_table")] == [403, 403]


@pytest.mark.parametrize("query", ["first=9999-12-31&last=9999-12-31", "first=0001-01-01", "first=x", "agency=no-such"])
def test_a_bad_question_is_said_and_gives_no_table(query, client, reader):
    client.force_login(reader)
    assert client.get(f"{reverse('hit_rate')}?{query}").status_code == 422
    assert client.get(f"{reverse('hit_rate_table')}?{query}").status_code == 404


def test_the_table_is_by_month_and_safe_to_open(a_day, client, reader):
    Incident.objects.filter(type="theft").update(type="=cmd()")
    client.force_login(reader)
    answer = client.get(reverse("hit_rate_table"))
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    month = f"{timezone.localdate():%Y-%m}"
    assert rows[0][4:8] == ["Provisions", "Answered", "Unanswered", "It helped"]
    assert rows[1] == [month, "fire", "119 dispatch", "Fire", "1", "0", "1", "0", "0", "0", "0", "0", ""]
    assert "'=cmd()" in [row[3] for row in rows]
    assert answer["Cache-Control"] == "no-store, private"


def test_nothing_provided_is_said(client, reader):
    client.force_login(reader)
    assert "Nothing was provided." in client.get(reverse("hit_rate")).content.decode()
