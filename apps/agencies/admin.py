from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from apps.agencies import actions
from apps.agencies.actions import dismiss, enrol
from apps.agencies.models import Agency, ApiKey, Membership, User
from apps.agencies.proof import ask_again
from apps.agencies.services import NAMES
from apps.agencies.sittings import end_all
from apps.audit.actions import record
from apps.audit.admin import PeopleOnRecordMixin, in_words

# Providers come from the settings, second factors and identities from their owners, and mail addresses are not kept.
for _model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, Group):
    admin.site.unregister(_model)


class NoDeletionMixin:
    """Who was here stays on record: rows are disabled, never deleted."""

    def has_delete_permission(self, request, obj=None):
        return False


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


@admin.register(Group)
class RightsAdmin(AskedAgainMixin, AuditedMixin, NoDeletionMixin, GroupAdmin):
    """Groups of people and what they may do: standing rights hang on them, so none is deleted."""


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["agency"]


@admin.register(User)
class MemberAdmin(PeopleOnRecordMixin, AskedAgainMixin, AuditedMixin, NoDeletionMixin, UserAdmin):
    inlines = [MembershipInline]

    def has_change_permission(self, request, obj=None):
        """Whoever keeps the accounts gives no right to themselves."""
        keeps = request.user
        beyond = obj and (not keeps.may_come_by(obj) or (obj.pk == keeps.pk and not keeps.is_superuser))
        return not beyond and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request, obj=None):
        """Rights come with roles and groups; nobody without every right gives every right."""
        beyond = [] if request.user.is_superuser else ["is_staff", "is_superuser", "user_permissions"]
        return [*super().get_readonly_fields(request, obj), *beyond]

    def save_formset(self, request, form, formset, change):
        """Memberships are changed by their actions, which keep groups and audit in step."""
        for membership in formset.save(commit=False):
            if membership.pk:
                dismiss(Membership.objects.get(pk=membership.pk), by=request.user)
            enrol(membership.user, membership.agency, membership.role, by=request.user, rank=membership.rank)
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


@admin.register(Agency)
class AgencyAdmin(AskedAgainMixin, AuditedMixin, NoDeletionMixin, admin.ModelAdmin):
    list_display = ["code", "name_ko", "name_en", "kind", "is_active"]
    list_filter = ["kind", "is_active"]
    search_fields = ["code", "name_ko", "name_en"]


class ApiKeyForm(forms.ModelForm):
    services = forms.MultipleChoiceField(
        label=_("services"), choices=NAMES.items, required=False, widget=forms.CheckboxSelectMultiple
    )
    scopes = forms.MultipleChoiceField(
        label=_("may"), choices=ApiKey.Scope, initial=ApiKey.Scope.values, widget=forms.CheckboxSelectMultiple
    )


@admin.register(ApiKey)
class ApiKeyAdmin(AskedAgainMixin, NoDeletionMixin, admin.ModelAdmin):
    form = ApiKeyForm
    in_words = [in_words("services", NAMES, _("services")), in_words("scopes", dict(ApiKey.Scope.choices), _("may"))]
    list_display = ["label", "agency", *in_words, "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["agency"]
    list_select_related = ["agency"]
    readonly_fields = in_words
    actions = ["rotate", "revoke"]

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
