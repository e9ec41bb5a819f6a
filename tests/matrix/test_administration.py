"""Every cell of the access matrix, asked of the product: the administration."""

import pytest

from tests.matrix.cells import answers
from tests.matrix.rows import rows_of

# The mark is for the database; the city of `conftest.py` is laid out in it once.
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ROWS = rows_of("Administration")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_cell(row, city, asker):
    assert answers(row, city, asker) == row.expected
