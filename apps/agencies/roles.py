"""What each role may do, as rights of its group. Laid out once for a new centre; changed in the administration."""

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.agencies.groups import role_group
from apps.agencies.models import Membership

Role = Membership.Role

ADMIN_APPS = ("agencies", "cameras", "mous", "viewing", "incidents", "audit", "video", "retention")
PROVIDING = ("provide", "break_glass", "place_hold")
SUPERVISING = (
    *PROVIDING,
    "review_mou",
    "sign_mou",
    "suspend_mou",
    "revoke_provision",
    "decide_request",
    "review_urgent",
    "view_mou",
    "view_integration",
    "view_provision",
    "view_ledgerentry",
    "extend_hold",
    "release_hold",
    "view_hold",
    "view_certificate",
    "view_camera",
    "accept_view",
)
# Everything that was written down, and nothing that was filmed.
AUDITING = (
    "view_entry",
    "view_ledgerentry",
    "view_viewlog",
    "view_monthlycheck",
    "view_finding",
    "view_mou",
    "view_integration",
    "view_provision",
    "view_provisionrequest",
    "view_urgentreview",
    "view_useresult",
    "view_providedcopy",
    "view_hold",
    "view_certificate",
    "view_agency",
    "view_user",
    "view_nomination",
    "view_apikey",
)
RIGHTS = {Role.OPERATOR: PROVIDING, Role.SUPERVISOR: SUPERVISING, Role.AUDITOR: AUDITING}


@transaction.atomic
def lay_out_roles() -> None:
    """Give the group of every role that has no rights yet those of the role.

    A liaison, an officer, an owner and a guide have none here: what they may do follows from what is provided to
    their agency, from their own cameras, and from there being virtual ones.
    """
    for role in Role:
        group = role_group(role)
        if not group.permissions.exists():
            group.permissions.set(rights_of(role))


def rights_of(role: str) -> QuerySet[Permission]:
    if role == Role.ADMINISTRATOR:
        others = Q(codename__in=("sign_mou", "watch_cameras", "watch_camera"))
        groups = Q(content_type__app_label="auth", codename__in=("view_group", "add_group"))
        apps = Q(content_type__app_label__in=ADMIN_APPS)
        return Permission.objects.filter(apps & ~others | groups)
    return Permission.objects.filter(content_type__app_label__in=ADMIN_APPS, codename__in=RIGHTS.get(role, ()))
