from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.functions import Length

from apps.agencies.models import Agency, ApiKey
from daejeon_soc import kept_queries
from daejeon_soc.kept_queries import KeptQueries


def of_code(code: str):
    return Agency.objects.filter(code=code).annotate(letters=Length("name_ko"))


@pytest.fixture
def agencies(db):
    return [Agency.objects.create(code=code, name_ko=code, name_en=code, kind="police") for code in ("one", "three")]


def test_each_value_finds_its_own(agencies):
    kept = KeptQueries(code="an example")
    for agency in agencies * 2:
        (found,) = kept.rows(None, of_code, code=agency.code)
        assert found == agency and found.letters == len(agency.code)
    assert kept.rows(None, of_code, code="an example") == []


def test_it_is_written_once_a_key(agencies):
    kept, written = KeptQueries(code="an example"), []

    def write(code):
        written.append(code)
        return of_code(code)

    for key in ("a", "b", "a"):
        kept.rows(key, write, code="one")
    assert written == ["an example"] * 2


def test_related_rows_come_with_it(agencies, django_assert_num_queries):
    key, _secret = ApiKey.issue(agencies[0], "control room", ["112-onsite"])

    def write(label):
        return ApiKey.objects.filter(label=label).select_related("agency").defer("services")

    with django_assert_num_queries(1):
        (found,) = KeptQueries(label="an example").rows(None, write, label=key.label)
        assert found == key and found.agency.code == "one"
        assert found.get_deferred_fields() == {"services"}


def test_a_list_that_holds_the_example_is_no_place_for_it(agencies):
    kept = KeptQueries(code="one")
    with pytest.raises(LookupError):
        kept.rows(None, lambda code: Agency.objects.filter(code__in=[code + "x"]), code="three")


def test_nobody_can_be_there(db, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(EmptyResultSet):
        KeptQueries(code="x").rows(None, lambda code: Agency.objects.filter(pk__in=[]), code="y")


@pytest.mark.django_db(transaction=True)
def test_another_thread_asks_by_its_own_connection():
    kept = KeptQueries(code="an example")

    def ask() -> int:
        try:
            kept.rows(None, of_code, code="one")
            return id(connection.connection)
        finally:
            connection.close()

    kept.rows(None, of_code, code="one")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask).result() != id(connection.connection)


def test_no_more_are_kept_than_said(agencies, monkeypatch):
    monkeypatch.setattr(kept_queries, "KEPT_AT_MOST", 3)
    kept = KeptQueries(code="an example")
    for key in range(10):
        kept.rows(key, of_code, code="one")
    assert list(kept._kept) == [7, 8, 9]
