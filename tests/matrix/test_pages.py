"""Every cell of the access matrix, asked of the product: what is open to everybody, calls, people."""

import pytest

from tests.matrix.cells import answers
from tests.matrix.rows import rows_of

# The mark is for the database; the city of `conftest.py` is laid out in it once.
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ROWS = rows_of("Open to everybody", "Calls and incidents", "People")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_cell(row, city, asker):
    assert answers(row, city, asker) == row.expected
