import pytest

from tests.running_city import running_city


@pytest.fixture(scope="package")
def city():
    """The whole city, brought up once for these tests and gone before the next, which it would slow down."""
    with running_city() as city:
        yield city
