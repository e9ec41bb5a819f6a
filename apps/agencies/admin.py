from operator import itemgetter

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.agencies import actions
from apps.agencies.actions import admit, dismiss, give_rank
from apps.agencies.groups import groups_in_words, of_roles
from apps.agencies.models import Agency, ApiKey, Membership, Nomination, User
from apps.agencies.nominations import NotAlone, approve, may_decide, refuse
from apps.agencies.principals import CENTRE_ROLES
from apps.agencies.proof import ask_again
from apps.agencies.refusals import noted
from apps.agencies.services import NAMES
from apps.agencies.sittings import end_all
from apps.audit.actions import record
from apps.audit.admin import NoDeletionMixin, PeopleOnRecordMixin, ReadonlyMixin, in_words

WAITS = _("%(what)s: waits for a second administrator to approve it.")
# Providers come from the settings, second factors and identities from their owners, and mail addresses are not kept.
for _model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, Group):
    admin.site.unregister(_model)


class AskedAgainMixin:
    """Who adds or changes here shows first who they are: before the empty form, and when one is sent late."""

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        changes = object_id is None or request.method == "POST"
        page = ask_again(request) if changes else None
        return page or super().changeform_view(request, object_id, form_url, extra_context)


class AuditedMixin:
    """Every change made in the admin is an audit entry, with the names of the changed fields."""

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        verb = f"{obj._meta.model_name}.{'changed' if change else 'added'}"
        record(verb, actor=request.user, target=obj, fields=form.changed_data)


DJANGOS = {"add": _("Can add"), "change": _("Can change"), "delete": _("Can delete"), "view": _("Can view")}


def right_words(right: Permission) -> str:
    verb, _underscore, model = right.codename.partition("_")
    return DJANGOS[verb] if verb in DJANGOS and model == right.content_type.model else gettext(right.name)


@admin.register(Group)
class RightsAdmin(AskedAgainMixin, AuditedMixin, NoDeletionMixin, GroupAdmin):
    """Groups of people and what they may do: standing rights hang on them, so none is deleted.

    A new group, such as a shift, has no rights here: those come with the roles.
    """

    def get_list_display(self, request):
        return [in_words("name", groups_in_words(), _("Who")), "name"]

    readonly_fields = ["rights"]

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["name"]
        return ["name", "permissions" if self.has_change_permission(request, obj) else "rights"]

    @admin.display(description=_("Rights"))
    def rights(self, group):
        """In the reader's language; Django keeps their names in English."""
        held = group.permissions.select_related("content_type").order_by("content_type__app_label", "codename")
        return format_html_join(
            mark_safe("<br>"), "{}: {}", [(one.content_type.name, right_words(one)) for one in held]
        )


class MemberForm(UserChangeForm):
    """Roles are given by memberships, so the groups of roles are not chosen here."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "groups" in self.fields:
            self.fields["groups"].queryset = Group.objects.exclude(pk__in=of_roles())

    def clean_groups(self):
        """Their cameras are others' cameras: a shift is for those whom two people made staff of the centre."""
        chosen = self.cleaned_data["groups"]
        is_staff = self.instance.memberships.filter(agency__kind=Agency.Kind.CENTRE, role__in=CENTRE_ROLES)
        if "groups" in self.changed_data and chosen and not is_staff.exists():
            raise forms.ValidationError(_("Only the centre’s operators, supervisors and administrators join a group."))
        return Group.objects.filter(Q(pk__in=chosen) | Q(pk__in=of_roles(), user=self.instance)).distinct()


class GroupsInWords(admin.RelatedFieldListFilter):
    """The groups that anybody is in, as people read them."""

    def field_choices(self, field, request, model_admin):
        words = groups_in_words()
        used = Group.objects.filter(user__isnull=False).distinct().values_list("pk", "name")
        return sorted(((pk, words.get(name, name)) for pk, name in used), key=itemgetter(1))


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["agency"]


@admin.register(User)
class MemberAdmin(PeopleOnRecordMixin, AskedAgainMixin, AuditedMixin, NoDeletionMixin, UserAdmin):
    form = MemberForm
    inlines = [MembershipInline]

    def has_change_permission(self, request, obj=None):
        """Whoever keeps the accounts gives no right to themselves."""
        keeps = request.user
        beyond = obj and (not keeps.may_come_by(obj) or (obj.pk == keeps.pk and not keeps.is_superuser))
        return not beyond and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request, obj=None):
        """Rights come with roles, and every right is given at the machine alone (`createsuperuser`)."""
        return [*super().get_readonly_fields(request, obj), "is_staff", "is_superuser", "user_permissions"]

    def save_formset(self, request, form, formset, change):
        """Memberships are changed by their actions, which keep groups and audit in step."""
        for membership in formset.save(commit=False):
            before = Membership.objects.filter(pk=membership.pk).first()
            if before and (before.agency, before.role) == (membership.agency, membership.role):
                give_rank(before, membership.rank, by=request.user)
                continue
            if before:
                dismiss(before, by=request.user)
            given = admit(membership.user, membership.agency, membership.role, by=request.user, rank=membership.rank)
            if isinstance(given, Nomination):
                messages.warning(request, WAITS % {"what": given})
        for membership in formset.deleted_objects:
            dismiss(membership, by=request.user)

    def user_change_password(self, request, id, form_url=""):
        """The person is signed out everywhere, and it is on record who gave them a password."""
        if page := ask_again(request):
            return page
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            user = User.objects.get(pk=id)
            record("person.password_given", actor=request.user, target=user)
            end_all(user, because="password given", by=request.user)
        return answer

    list_display = ["username", "first_name", "last_name", "is_active", "last_login"]
    list_filter = ["is_staff", "is_superuser", "is_active", ("groups", GroupsInWords)]


@admin.register(Nomination)
class NominationAdmin(PeopleOnRecordMixin, ReadonlyMixin, admin.ModelAdmin):
    """Roles that wait for a second person, and those that were decided."""

    list_display = ["__str__", "proposed_by", "proposed_at", "approved", "decided_by", "decided_at"]
    list_filter = ["approved", "role"]
    list_select_related = ["user", "agency", "proposed_by", "decided_by"]
    search_fields = ["user__username", "user__last_name", "user__first_name"]
    actions = ["approve", "refuse"]

    def has_view_permission(self, request, obj=None):
        return may_decide(request.user) or super().has_view_permission(request, obj)

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_decide_permission(self, request):
        return may_decide(request.user)

    @admin.action(description=_("Approve the selected roles"), permissions=["decide"])
    def approve(self, request, queryset):
        if page := ask_again(request):
            return page
        decide_each(request, queryset, approve, _("%(what)s holds from now on."))

    @admin.action(description=_("Refuse the selected roles, or take them back"), permissions=["decide"])
    def refuse(self, request, queryset):
        decide_each(request, queryset, refuse, _("%(what)s is not given."))


def decide_each(request, nominations, decision, done: str) -> None:
    for nomination in nominations:
        try:
            decision(nomination, by=request.user)
        except NotAlone as refusal:
            messages.error(request, f"{nomination}: {noted(request, refusal)}")
        else:
            messages.success(request, done % {"what": nomination})


@admin.register(Agency)
class AgencyAdmin(AskedAgainMixin, AuditedMixin, NoDeletionMixin, admin.ModelAdmin):
    list_display = ["code", "name_ko", "name_en", "kind", "is_active"]
    list_filter = ["kind", "is_active"]
    search_fields = ["code", "name_ko", "name_en"]

    def get_readonly_fields(self, request, obj=None):
        """Else the people of an agency would become the centre's with one stroke."""
        return ["kind"] if obj else []


class ApiKeyForm(forms.ModelForm):
    services = forms.MultipleChoiceField(
        label=_("services"), choices=NAMES.items, required=False, widget=forms.CheckboxSelectMultiple
    )
    scopes = forms.MultipleChoiceField(
        label=_("may"), choices=ApiKey.Scope, initial=[], widget=forms.CheckboxSelectMultiple
    )


@admin.register(ApiKey)
class ApiKeyAdmin(AskedAgainMixin, NoDeletionMixin, admin.ModelAdmin):
    form = ApiKeyForm
    in_words = [in_words("services", NAMES, _("services")), in_words("scopes", dict(ApiKey.Scope.choices), _("may"))]
    list_display = ["label", "number", "agency", *in_words, "must_sign", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["agency"]
    list_select_related = ["agency"]
    readonly_fields = in_words
    actions = ["rotate", "revoke"]

    @admin.display(description=_("Number"), ordering="pk")
    def number(self, key):
        return key.pk

    def get_fields(self, request, obj=None):
        kinds = self.in_words if obj else ["services", "scopes"]
        used = ["created_at", "last_used_at", "revoked_at"] if obj else []
        return ["agency", "label", *kinds, "networks", "must_sign", "expires_at", *used]

    def has_change_permission(self, request, obj=None):
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request, obj, form, change):
        more = {name: getattr(obj, name) for name in ("scopes", "networks", "must_sign", "expires_at")}
        key, secret = ApiKey.issue(obj.agency, obj.label, obj.services, **more)
        obj.pk = key.pk
        record("apikey.issued", actor=request.user, target=key, services=key.services, scopes=key.scopes)
        show_once(request, key, secret)

    @admin.action(description=_("Rotate the selected keys: the old ones end in a week"), permissions=["add"])
    def rotate(self, request, queryset):
        if page := ask_again(request):
            return page
        for key in queryset & ApiKey.objects.usable():
            show_once(request, *actions.rotate(key, by=request.user))

    @admin.action(description=_("Revoke the selected keys"), permissions=["add"])
    def revoke(self, request, queryset):
        for key in queryset:
            actions.revoke_key(key, by=request.user)


def show_once(request, key: ApiKey, secret: str) -> None:
    words = {"number": key.pk, "label": key.label, "secret": secret}
    messages.warning(request, _("Key %(number)s of “%(label)s”, shown this once: %(secret)s") % words)
