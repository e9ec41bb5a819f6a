"""Room for a benchmark that would disturb the city it runs beside."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from daejeon_soc.up import city_env, postgres


@contextmanager
def apart(name: str) -> Iterator[Path]:
    """An empty database in place of the city's, and an empty folder; both are gone afterwards."""
    city = connection.settings_dict["NAME"]
    postgres.let_owner_create_databases(city_env.read(Path(os.environ["VAR_DIR"]) / "city.env"))
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    folder = Path(tempfile.mkdtemp(prefix=f"soc-{name}-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        connection.creation.destroy_test_db(city, verbosity=0)
