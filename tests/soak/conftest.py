import pytest


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("soak")
