"""An agency's administrator and its members; and the page where a new member sets a password."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps.agencies import actions
from apps.agencies.models import Agency, Membership, Nomination, User
from apps.agencies.proof import asked_again
from apps.agencies.refusals import noted
from apps.agencies.second_factor import take_factors


def agencies_of(request):
    """The agencies whose members the reader manages; 403 for whoever manages none."""
    agencies = actions.administered_by(request.user)
    if not agencies.exists():
        raise PermissionDenied(_("This page is for the administrators of an agency."))
    return agencies


class InviteForm(forms.Form):
    agency = forms.ModelChoiceField(label=gettext_lazy("Agency"), queryset=Agency.objects.none(), empty_label=None)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Membership.Role)
    last_name = forms.CharField(label=gettext_lazy("Family name"), max_length=50)
    first_name = forms.CharField(label=gettext_lazy("Given name"), max_length=50)
    rank = forms.CharField(label=gettext_lazy("Rank or position"), max_length=40, required=False)
    username = forms.CharField(label=gettext_lazy("User name"), max_length=90, validators=[UnicodeUsernameValidator()])

    def __init__(self, agencies, *args):
        super().__init__(*args)
        self.fields["agency"].queryset = agencies
        offered = {role for agency in agencies for role in actions.roles_of(agency)}
        self.fields["role"].choices = [(role.value, role.label) for role in Membership.Role if role in offered]

    def clean_username(self):
        name = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("Somebody else has this user name."))
        return name

    def clean(self):
        agency, role = self.cleaned_data.get("agency"), self.cleaned_data.get("role")
        if agency and role and role not in actions.roles_of(agency):
            self.add_error("role", _("This agency has no such role."))


class RankForm(forms.Form):
    rank = forms.CharField(max_length=40, required=False)


def page(request, form=None, link=None, status=200):
    agencies = agencies_of(request)
    members = Membership.objects.filter(agency__in=agencies).select_related("user", "agency")
    context = {
        "form": form or InviteForm(agencies),
        "members": members.order_by("agency__code", "role", "user__last_name", "user__first_name"),
        "waiting": Nomination.objects.waiting().filter(agency__in=agencies).select_related("user", "agency"),
        "link": link,
    }
    return render(request, "console/members.html", context, status=status)


@require_POST
@asked_again
def invite(request):
    form = InviteForm(agencies_of(request), request.POST)
    if not form.is_valid():
        return page(request, form, status=400)
    given = form.cleaned_data
    user = actions.invite(given.pop("agency"), given.pop("role"), **given, by=request.user)
    return page(request, link=link_for(request, user))


def link_for(request, user: User) -> dict:
    """Where `user` sets a password, once and within PASSWORD_RESET_TIMEOUT."""
    number = urlsafe_base64_encode(force_bytes(user.pk))
    address = reverse("welcome", args=[number, default_token_generator.make_token(user)])
    return {"user": user, "address": request.build_absolute_uri(address)}


def membership_named(request, membership_id: int) -> Membership:
    memberships = Membership.objects.filter(agency__in=agencies_of(request))
    return get_object_or_404(memberships.select_related("user", "agency"), pk=membership_id)


@require_POST
def end(request, membership_id: int):
    membership = membership_named(request, membership_id)
    if membership.user == request.user:
        messages.error(request, _("Your own membership is ended by somebody else."))
    else:
        actions.send_away(membership, by=request.user)
        messages.success(request, _("%(name)s is no longer a member.") % {"name": membership.user})
    return redirect("members")


@require_POST
def rank(request, membership_id: int):
    form = RankForm(request.POST)
    if form.is_valid():
        actions.name_rank(membership_named(request, membership_id), form.cleaned_data["rank"], by=request.user)
    return redirect("members")


@require_POST
@asked_again
def new_password(request, membership_id: int):
    membership = membership_named(request, membership_id)
    try:
        actions.take_password(membership, by=request.user)
    except actions.NotTheirs as refusal:
        messages.error(request, noted(request, refusal))
        return redirect("members")
    return page(request, link=link_for(request, membership.user))


@require_POST
@asked_again
def lost_factor(request, membership_id: int):
    membership = membership_named(request, membership_id)
    try:
        take_factors(membership, by=request.user)
    except actions.NotTheirs as refusal:
        messages.error(request, noted(request, refusal))
    else:
        words = _("%(name)s sets a new second factor up at the next sign-in.")
        messages.success(request, words % {"name": membership.user})
    return redirect("members")


@method_decorator(login_not_required, name="dispatch")
class Welcome(PasswordResetConfirmView):
    """A new member sets a password by the link they were handed."""

    template_name = "console/welcome.html"
    success_url = reverse_lazy("sign_in")
