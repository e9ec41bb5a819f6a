"""Promises that the whole project makes, whichever app they concern."""

import pytest
from django.core.management import call_command


@pytest.mark.slow
@pytest.mark.django_db
def test_the_api_describes_itself_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
