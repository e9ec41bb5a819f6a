from contextlib import closing

import psycopg2
import pytest

from daejeon_soc.up import city_env
from tests.running_city import running_city

LAST = "tests/city/test_run.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The city is killed last, in whatever order its tests are asked for."""
    places = [place for place, item in enumerate(items) if item.nodeid.startswith("tests/city/")]
    ordered = sorted((items[place] for place in places), key=lambda item: item.nodeid.startswith(LAST))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="package")
def city():
    """The whole city, brought up once for these tests and gone before the next, which it would slow down."""
    with running_city() as city:
        yield city


@pytest.fixture
def application(city):
    """The database as the application's own role may use it."""
    address = city_env.read(city.var_dir / "city.env")["DATABASE_URL"].replace("postgis://", "postgresql://")
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        yield cursor
