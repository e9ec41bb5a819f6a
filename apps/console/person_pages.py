"""What concerns the person at the screen: pledge, lock, sessions, password."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.agencies import identities, proof, sittings
from apps.audit.actions import record


def next_page(request) -> str:
    """Where the person was going, if that is a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else "home"


def pledge(request):
    if request.method == "POST" and request.POST.get("agree"):
        sittings.give_pledge(request.user, text=sittings.pledge_text())
        return redirect(next_page(request))
    latest = request.user.pledges.first()
    words = {"text": sittings.pledge_text(), "latest": latest, "next": next_page(request), "refused": request.POST}
    return render(request, "console/pledge.html", words)


@require_POST
def lock(request):
    sittings.lock(request, because="idle" if request.POST.get("idle") else "by hand")
    return redirect("unlock")


@require_POST
def still_here(request):
    """The person touched their screen, says the page."""
    sittings.touch(request)
    return HttpResponse(status=204)


@sensitive_post_parameters()
def unlock(request):
    """The person's own password, code or passkey; too many wrong ones are treated like wrong sign-ins."""
    if not sittings.is_locked(request):
        return redirect(next_page(request))  # unlocked in another tab
    wrong = ""
    if request.method == "POST":
        wrong = proof.prove(request)
        if not wrong:
            sittings.unlock(request)
            return redirect(next_page(request))
    return render(request, "console/unlock.html", {"wrong": wrong, "next": next_page(request), **proof.asking(request)})


@require_POST
def show_there(request):
    """The person shows who they are at their own agency's provider: on a page beside the one that asks, or in place of
    the locked one.
    """
    return identities.ask_there(request, then=next_page(request))


def person(request):
    """Where the person is signed in, and what they may change about themselves."""
    sign_ins = request.user.sign_ins.open()
    return render(
        request,
        "console/person.html",
        {
            "sign_ins": sign_ins,
            "here": request.session.session_key,
            "pledge": request.user.pledges.first(),
            "memberships": request.user.memberships.select_related("agency"),
        },
    )


@require_POST
def end_session(request, sign_in_id: int):
    sitting = get_object_or_404(request.user.sign_ins.open(), pk=sign_in_id)
    sittings.end(sitting, because="by hand", by=request.user)
    return redirect("person")


@require_POST
def end_other_sessions(request):
    sittings.end_all(request.user, because="by hand", by=request.user, but=request.session.session_key)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("person")


@sensitive_post_parameters()
def password(request):
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, form.user)
        sittings.begin(request, form.user)
        sittings.end_all(form.user, because="password changed", by=form.user, but=request.session.session_key)
        record("person.password_changed", actor=form.user, target=form.user)
        messages.success(request, _("The password is changed. You are signed out everywhere else."))
        return redirect("person")
    return render(request, "console/password.html", {"form": form})
