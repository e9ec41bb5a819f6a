import json

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.shortcuts import redirect, render

from apps.agencies.models import Membership

Role = Membership.Role

HOMES = {
    Role.OPERATOR: "operator",
    Role.SUPERVISOR: "operator",
    Role.ADMINISTRATOR: "admin:index",
    Role.AUDITOR: "admin:index",
}


def home(request):
    """Everybody's own first page, by role."""
    membership = request.user.memberships.filter(agency__is_active=True).order_by("pk").first()
    return redirect(HOMES.get(membership.role if membership else None, "agency"))


class SignIn(LoginView):
    template_name = "console/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs):
        return super().get_context_data(demo_people=demo_people(), **kwargs)


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
