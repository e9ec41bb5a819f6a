from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import record
from apps.audit.models import Entry
from apps.audit.words import VERBS, target_words, verb_words


class ReadonlyMixin:
    """History is looked at, never touched: it has no history of its own."""

    change_form_template = "admin/readonly_change_form.html"

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class PeopleOnRecordMixin:
    """A list of people, or of what they did: who looks in it for whom is on record, and counted by the monthly check.

    People filmed have no names here; once a list names any, it is one of these.
    """

    def get_search_results(self, request, queryset, search_term):
        search = {"words": search_term[:200], "where": self.model._meta.label_lower}
        # Turning the page, or sorting it, is no further search.
        if request.session.get("searched") != search and names_somebody(search_term):
            record("person.searched", actor=request.user, **search)
            request.session["searched"] = search
        return super().get_search_results(request, queryset, search_term)


def names_somebody(words: str) -> bool:
    """Do all of these words stand in the name of one person?"""
    people = get_user_model().objects.annotate(names=Concat(F("last_name"), F("first_name"), Value(" "), F("username")))
    named = Q(*(Q(names__icontains=word) for word in words.split()))
    return bool(words.strip()) and people.filter(named).exists()


def in_words(name: str, names: Mapping | Callable[[], Mapping], description):
    """A column that shows the codes in the field `name`, one or several, as words."""

    @admin.display(description=description, ordering=name)
    def column(row):
        codes = getattr(row, name)
        known = names() if callable(names) else names
        return ", ".join(str(known.get(code, code)) for code in ([codes] if isinstance(codes, str) else codes)) or "–"

    return column


def filter_in_words(word: Callable[[str], str]):
    """A filter by the codes in a field, named by what `word` says of each."""

    class Filter(admin.AllValuesFieldListFilter):
        def choices(self, changelist):
            for choice in super().choices(changelist):
                yield {**choice, "display": word(choice["display"]) or "–"}

    return Filter


ACTION = in_words("verb", VERBS, _("action"))
# What a SIEM was told, and what a search finds.
CODE = in_words("verb", {}, _("code"))
NAME = in_words("actor_name", {"system": _("the system")}, _("name"))


@admin.display(description=_("concerning"), ordering="target")
def concerning(entry):
    """In words, leading to all that is on record about the same thing."""
    if not entry.target:
        return "–"
    about = urlencode({"q": entry.target})
    return format_html(
        '<a href="{}?{}">{}</a>', reverse("admin:audit_entry_changelist"), about, target_words(entry.target)
    )


@admin.display(description=_("details"))
def details(entry):
    said = [(name, value) for name, value in entry.detail.items() if value not in ("", None, [], {})]
    return format_html_join(mark_safe("<br>"), "{}: {}", said) or "–"


@admin.register(Entry)
class EntryAdmin(PeopleOnRecordMixin, ReadonlyMixin, admin.ModelAdmin):
    list_display = ["at", NAME, ACTION, concerning, "address"]
    list_filter = [("verb", filter_in_words(verb_words))]
    fields = ["at", "actor", NAME, ACTION, CODE, concerning, "address", details]
    readonly_fields = fields
    search_fields = ["actor_name", "target", "verb"]
    date_hierarchy = "at"
    show_full_result_count = False
