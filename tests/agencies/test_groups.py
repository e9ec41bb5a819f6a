import pytest
from django.contrib.auth.models import Group
from django.utils.html import escape
from django.utils.translation import override

from apps.agencies.admin import right_words
from apps.agencies.groups import groups_in_words
from apps.agencies.roles import lay_out_roles
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


@pytest.mark.parametrize("language", ["ko", "en"])
def test_people_are_sifted_by_groups_in_words(language, client, police, operator, centre):
    client.force_login(make_user("root", centre, Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    group = Group.objects.create(name="second shift")
    operator.groups.add(group)
    with override(language):
        words = groups_in_words()
    people = client.get("/admin/agencies/user/", headers={"accept-language": language}).content.decode()
    sifted = people.split('id="changelist-filter"')[1]
    assert escape(words["liaisons of police"]) in sifted and "second shift" in sifted
    assert not [name for name in words if escape(name) in sifted]
    assert escape(words["auditors of police"]) not in sifted, "nobody is in it"
    shift = client.get(f"/admin/agencies/user/?groups__id__exact={group.pk}").content.decode()
    assert ">operator<" in shift and ">police<" not in shift


def test_the_rights_of_a_group_are_read_in_korean(client, supervisor, centre):
    lay_out_roles()
    admin = make_user("admin", centre, Role.ADMINISTRATOR, is_staff=True)
    client.force_login(admin)
    group = Group.objects.get(name="role: supervisor")
    with override("ko"):
        words = [str(right_words(right)) for right in group.permissions.select_related("content_type")]
    page = client.get(f"/admin/auth/group/{group.pk}/change/", headers={"accept-language": "ko"}).content.decode()
    assert words and all(escape(one) in page for one in words)
