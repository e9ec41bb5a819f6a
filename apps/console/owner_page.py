"""An owner's page: its cameras, who was given them, who looked, and which it keeps back."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.models import Membership
from apps.agencies.principals import principal_of
from apps.agencies.refusals import noted
from apps.mous import owners
from apps.mous.actions import NotAllowed
from apps.mous.gate import own_cameras
from apps.mous.models import ProvisionCamera
from apps.viewing.models import ViewLog

ON_A_PAGE = 50


def cameras_of(request):
    """The cameras of the reader's own agencies; 403 for those who own none."""
    principal = principal_of(request)
    if not any(membership.role == Membership.Role.OWNER for membership in principal.memberships):
        raise PermissionDenied(_("This page is for the owners of cameras."))
    return own_cameras(principal)


def page(request):
    own = cameras_of(request)
    words = request.GET.get("q", "").strip()[:80]
    listed = own.select_related("site").order_by("number")
    provided = ProvisionCamera.objects.filter(camera__in=own.values("pk")).order_by("-provision__starts_at", "rank")
    views = ViewLog.objects.filter(camera__in=own.values("pk")).order_by("-opened_at")
    if words:
        provided, views = (found.filter(camera__number__icontains=words) for found in (provided, views))
        address = Q(site__road_address__icontains=words) | Q(site__lot_address__icontains=words)
        listed = listed.filter(Q(number__icontains=words) | address)
    context = {
        "words": words,
        "kept_back": own.exclude(excluded_at=None).select_related("site").order_by("number"),
        "cameras": Paginator(listed.filter(excluded_at=None), ON_A_PAGE).get_page(request.GET.get("page")),
        "provided": Paginator(
            provided.select_related("camera", "provision__agency", "provision__incident"), ON_A_PAGE
        ).get_page(request.GET.get("provided")),
        "views": Paginator(views.select_related("camera", "user", "key__agency"), ON_A_PAGE).get_page(
            request.GET.get("views")
        ),
    }
    return render(request, "console/own_cameras.html", context)


@require_POST
def share(request, camera_id):
    """Keep a camera back, or share it again."""
    camera = get_object_or_404(cameras_of(request).select_related("owner"), pk=camera_id)
    try:
        if "keep_back" in request.POST:
            owners.keep_back(camera, by=request.user, reason=request.POST.get("reason", ""))
        else:
            owners.share_again(camera, by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    else:
        messages.success(request, _("In effect now."))
    return redirect("own_cameras")
