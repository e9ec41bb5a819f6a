import pytest
from django.contrib.auth.models import Group
from django.utils.translation import override

from apps.agencies.actions import groups_in_words
from tests.cast import Role, make_user

pytestmark = pytest.mark.django_db


def test_every_group_is_listed_in_words(client, police, operator, centre, django_assert_max_num_queries):
    client.force_login(make_user("root", centre, Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    assert set(Group.objects.values_list("name", flat=True)) <= groups_in_words().keys()
    with django_assert_max_num_queries(16):
        page = client.get("/admin/auth/group/", headers={"accept-language": "en"}).content.decode()
    with override("en"):
        words = groups_in_words()["liaisons of police"]
    assert police.agency.name_en in words and words in page and "liaisons of police" in page
