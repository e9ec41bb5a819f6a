import gc
import logging

import pytest
from django.core.cache import cache
from django.core.files.storage import FileSystemStorage
from django.db import transaction
from django.test import override_settings

from apps.console import health
from apps.mous.models import Integration, Mou
from apps.video import playback
from tests.doors import play_the_recorder
from tests.matrix.asking import Asker
from tests.matrix.city import City

SETTINGS = {
    "SECOND_FACTOR": True,
    "DEMO": False,
    # The cells say who may, not when it is asked who is there: see test_asked_again.py.
    "ASK_AGAIN_MINUTES": 24 * 60,
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    # Tries are counted there.
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
}


@pytest.fixture(scope="package")
def city(django_db_setup, django_db_blocker, tmp_path_factory):
    """One city for all questions; each of them is undone."""
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(**SETTINGS),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        papers = FileSystemStorage(tmp_path_factory.mktemp("papers"))
        for kind in (Mou, Integration):
            patch.setattr(kind._meta.get_field("scan"), "storage", papers)
        city = City()
        play(city, patch)
        logging.disable(logging.CRITICAL)
        gc.collect()
        gc.freeze()
        yield city
        gc.unfreeze()
        logging.disable(logging.NOTSET)
        transaction.set_rollback(True)


def play(city: City, patch: pytest.MonkeyPatch) -> None:
    """A picture behind every door, and the other parts of the system at their best."""
    play_the_recorder(patch)
    piece = playback.Piece(city.incident.occurred_at, 4.0, 10, 45)
    patch.setattr(playback, "pieces", lambda segment: [piece])
    patch.setattr(health, "PARTS", dict.fromkeys(health.PARTS, str))


@pytest.fixture
def asker(city, django_db_blocker):
    cache.clear()
    with django_db_blocker.unblock():
        yield Asker()
