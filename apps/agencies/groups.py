"""The groups that come and go with roles: rights hang on them, and their names stand here alone."""

from functools import reduce
from operator import or_

from django.contrib.auth.models import Group
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from apps.agencies.models import Agency, Membership

Role = Membership.Role


def role_name(role: str) -> str:
    return f"role: {role}"


def staff_name(role: str, code: str = "") -> str:
    """Ends with the agency's code: without one, how the names of all agencies begin."""
    return f"{role}s of {code}"


def role_group(role: str) -> Group:
    """The group that holds what a role may do in the admin."""
    return Group.objects.get_or_create(name=role_name(role))[0]


def staff_group(agency: Agency, role: str) -> Group:
    """The people of one agency in one role: what standing rights are granted to."""
    return Group.objects.get_or_create(name=staff_name(role, agency.code))[0]


def staff_groups(agencies: QuerySet[Agency], roles: tuple[str, ...]) -> QuerySet[Group]:
    """The same of several, asked when they are needed and not before."""
    begin = [Concat(Value(staff_name(role)), F("code"), output_field=CharField()) for role in roles]
    return Group.objects.filter(reduce(or_, (Q(name__in=agencies.values_list(name)) for name in begin)))


def of_roles() -> QuerySet[Group]:
    """All of these; the others, such as a shift, people are put into by hand."""
    begin = [role_name(""), *map(staff_name, Role.values)]
    return Group.objects.filter(reduce(or_, (Q(name__startswith=name) for name in begin)))


def groups_in_words() -> dict[str, str]:
    """What people read for the names of these groups."""
    everybody = {role_name(role.value): str(_("Everybody: %(role)s") % {"role": role.label}) for role in Role}
    staff = {
        staff_name(role.value, one.code): f"{one.name} – {role.label}" for one in Agency.objects.all() for role in Role
    }
    return everybody | staff
