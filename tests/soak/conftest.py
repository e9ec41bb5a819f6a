from pathlib import Path

import pytest

from tests.running_city import running_city


def pytest_collection_modifyitems(items):
    """Whatever stands in this folder takes minutes: `make soak` runs it, `make test` does not."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.soak)


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("soak")


@pytest.fixture(scope="module")
def city():
    """Drawing eight streets would take half of this machine from what is measured."""
    with running_city(VIRTUAL_CAMERAS="2") as city:
        yield city
