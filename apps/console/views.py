import json
from urllib.error import URLError

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST

from apps.agencies import proof, sittings
from apps.agencies.models import Membership
from apps.agencies.principals import principal_of
from apps.agencies.second_factor import REFUSED
from apps.showroom import demo_call as exercise

Role = Membership.Role

HOMES = {
    Role.OPERATOR: "operator",
    Role.SUPERVISOR: "operator",
    Role.ADMINISTRATOR: "members",
    Role.AUDITOR: "checks",
    Role.GUIDE: "showroom",
}


def home(request):
    """Everybody's own first page, by role."""
    membership = request.user.memberships.filter(agency__is_active=True).order_by("pk").first()
    role = membership.role if membership else None
    if request.user.is_staff and role == Role.ADMINISTRATOR:
        return redirect("admin:index")
    return redirect(HOMES.get(role, "agency"))


@login_not_required
def administration_sign_in(request):
    """There is one sign-in, with its second factor. Who has passed it and still is no staff would go round for ever."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied(_("This page is for the administration of the operation centre."))
    return redirect(f"{reverse('sign_in')}?{request.GET.urlencode(safe='/')}")


class SignIn(LoginView):
    template_name = "console/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form):
        """The password was right; whoever has a second factor is asked for it before they are signed in."""
        return perform_login(self.request, form.get_user(), redirect_url=self.get_success_url())

    def get_context_data(self, **kwargs):
        return super().get_context_data(
            demo_people=demo_people(),
            second_factor=settings.SECOND_FACTOR,
            refused=self.request.session.pop(REFUSED, ""),
            providers=settings.IDENTITY_PROVIDERS,
            redirect_field=format_html('<input type="hidden" name="next" value="{}">', self.get_redirect_url()),
            **kwargs,
        )


def locked_out(request, credentials, *args, **kwargs):
    """Said instead of trying once more, to whoever guesses passwords."""
    words = {"locked_out": int(settings.AXES_COOLOFF_TIME.total_seconds() // 60), "wrong": True}
    if not request.user.is_authenticated:
        return render(request, "console/sign_in.html", words, status=429)
    page = "console/unlock.html" if sittings.is_locked(request) else "console/again.html"
    return render(request, page, {**words, **proof.asking(request)}, status=429)


class SignOut(LogoutView):
    http_method_names = ["post", "options"]


def demo_people() -> list[dict]:
    """The demonstration's sign-ins, for the sign-in page; none in a real centre."""
    file = settings.VAR_DIR / "demo.json"
    if not settings.DEMO or not file.exists():
        return []
    people = json.loads(file.read_text())["users"]
    known = Membership.objects.filter(user__username__in=[person["username"] for person in people])
    memberships = {m.user.username: m for m in known.select_related("user", "agency")}
    return [
        {**person, "role": memberships[name].get_role_display(), "agency": memberships[name].agency.name}
        for person in people
        if (name := person["username"]) in memberships
    ]


@login_not_required
def offline(request):
    return render(request, "console/offline.html")


@require_POST
def demo_call(request):
    """An exercise call through the public API, for whoever shows the demonstration."""
    if not settings.DEMO:
        raise Http404
    principal = principal_of(request)
    if not (principal.is_centre_staff or principal.is_guide):
        raise PermissionDenied(_("Exercise calls are sent by the staff of the operation centre."))
    try:
        number = exercise.send()["number"]
    except URLError as trouble:
        messages.error(request, _("The exercise call was not accepted: %(why)s") % {"why": trouble.reason})
    else:
        messages.success(request, _("Exercise call %(number)s has been sent.") % {"number": number})
    return redirect(request.headers.get("referer") if _is_ours(request) else "home")


def _is_ours(request) -> bool:
    referer = request.headers.get("referer", "")
    return url_has_allowed_host_and_scheme(referer, {request.get_host()}, request.is_secure())


@login_not_required
@cache_control(max_age=3600)
def service_worker(request):
    """Served from the root, so that it may answer for every page when the network is gone."""
    return render(request, "console/service-worker.js", content_type="text/javascript")
