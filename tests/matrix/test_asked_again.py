"""What gives rights or binds the centre is done by who has just shown who they are; what is urgent does not wait."""

import pytest

from tests.matrix.rows import ROWS

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

CHANGES = ("POST", "ACTION", "ADD", "CHANGE")
# Of people with a sign-in: what a person may do who comes back after an hour.
BACK = [row for row in ROWS if row.method in CHANGES or row.asks_again]


def who_may(row) -> str | None:
    return next((role for role, sign in row.expected.items() if sign == "+" and not role.startswith(NOBODYS)), None)


NOBODYS = ("visitor", "key_", "no_pledge", "locked", "disabled", "signed_out")


@pytest.mark.parametrize("row", [row for row in BACK if who_may(row)], ids=lambda row: row.key)
def test_who_comes_back_is_asked_where_the_table_says_so(row, city, asker, settings):
    settings.ASK_AGAIN_MINUTES = 0
    answers = [asker.ask(city, who_may(row), asked) for asked in row.asked]
    assert {answer.sign for answer in answers} == {"a" if row.asks_again else "+"}
    assert not row.asks_again or not any(answer.done for answer in answers)


URGENT = [
    *("POST /console/advance/", "POST /console/provisions/new/ urgent", "POST /console/provisions/new/"),
    *("POST /console/provisions/{provision}/revoke/", "POST /unlock/", "POST /lock/"),
    *("POST /admin/mous/mou/{mou}/step/suspend/", "ACTION /admin/agencies/apikey/ revoke"),
    *("ACTION /admin/mous/provision/ revoke", "ACTION /admin/cameras/camera/ no_longer_watch"),
    *("POST /members/{membership}/end/", "POST /agreements/mou/{mou_reviewed}/sign/ hold_out"),
]


def test_nothing_that_is_urgent_or_closes_asks():
    rows = {row.key: row for row in ROWS}
    assert [key for key in URGENT if rows[key].asks_again] == []
