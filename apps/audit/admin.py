import time
from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.db.models import CharField, JSONField, Model, Q, QuerySet, TextField, Value
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from apps.audit.actions import record
from apps.audit.models import Entry
from apps.audit.words import VERBS, target_words, verb_words

# Turning the page, or sorting it, is no further search; to ask for the same again after so long is (s).
SAME_SEARCH_S = 900


class SearchedList(ChangeList):
    """A list whose address, written by hand, may name people as its search does: `?actor=5`."""

    def get_filters(self, request):
        filters = super().get_filters(request)
        # What no filter of the page has taken, as it is about to be asked of the table.
        self.by_hand = filters[2]
        return filters

    def get_queryset(self, request, exclude_parameters=None):
        rows = super().get_queryset(request, exclude_parameters)
        asked = {key: values for key, values in self.by_hand.items() if whom(self.model, key, values).exists()}
        if asked:
            words = "&".join(f"{key}={value}" for key, values in sorted(asked.items()) for value in values)
            people = reduce(and_, (whom(self.model, key, values) for key, values in asked.items()))
            note_search(request, self.model, "by_address", words, people)
        return rows


class NoDeletionMixin:
    """Who was here stays on record: rows are disabled, never deleted. So is whom an address asks for."""

    def has_delete_permission(self, request, obj=None):
        return False

    def get_changelist(self, request, **kwargs):
        return SearchedList


class ReadonlyMixin(NoDeletionMixin):
    """History is looked at, never touched: it has no history of its own."""

    change_form_template = "admin/readonly_change_form.html"

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class PeopleOnRecordMixin:
    """A list of people, or of what they did: who looks in it for whom is on record, and counted by the monthly check.

    People filmed have no names here; once a list names any, it is one of these.
    """

    def get_search_results(self, request, queryset, search_term):
        people = people_named(search_term)
        if people.exists():
            note_search(request, self.model, "by_words", search_term, people)
        return super().get_search_results(request, queryset, search_term)


def note_search(request, model, how: str, words: str, people: QuerySet) -> None:
    search = {"words": words[:200], "where": model._meta.label_lower}
    last = request.session.get(f"searched_{how}", {})
    if last | search == last and time.time() - last.get("at", 0) < SAME_SEARCH_S:
        return
    request.session[f"searched_{how}"] = {**search, "at": time.time()}
    found = list(people[:2])
    person = {"person": f"{found[0]} ({found[0].username})"} if len(found) == 1 else {}
    record("person.searched", actor=request.user, **search, **person)


def everybody() -> QuerySet:
    """With their names as they are written, and as entries say whom they concern."""
    return get_user_model().objects.annotate(
        korean=Concat("last_name", "first_name"),
        latin=Concat("last_name", Value(" "), "first_name"),
        names=Concat("korean", Value(" "), "username"),
        concerned=Concat(Value(f"{get_user_model()._meta.label_lower}:"), Cast("pk", CharField())),
    )


def people_named(words: str) -> QuerySet:
    """Those in whose name all of these words stand; or whose number, as entries have it."""
    if not words.strip():
        return everybody().none()
    return everybody().filter(
        *(Q(names__icontains=word) | (Q(concerned__icontains=word) if ":" in word else Q()) for word in words.split())
    )


def whom(model: type[Model], key: str, values: list) -> QuerySet:
    """The people whom the lookup `key` names by any of `values`: by their row, or by text as it is compared there."""
    first, *rest = key.split(LOOKUP_SEP)
    field = model._meta.pk if first == "pk" else model._meta.get_field(first)
    if rest[-1:] == ["isnull"]:
        return everybody().none()
    if model is get_user_model():
        return everybody().filter(any_of(key, values))
    if field.related_model is get_user_model():
        own = rest if rest[:1] in (["id"], ["pk"]) else ["pk", *rest]
        return everybody().filter(any_of(LOOKUP_SEP.join(own), values))
    if not isinstance(field, CharField | TextField | JSONField):
        return everybody().none()
    compared = rest[-1] if rest and rest[-1] in CharField.get_lookups() else "exact"
    named = any_of(f"korean__{compared}", values) | any_of(f"latin__{compared}", values)
    spoken = (people_named(word) for value in values for word in ([value] if isinstance(value, str) else value))
    by_words = reduce(or_, (Q(pk__in=people.values("pk")) for people in spoken))
    return everybody().filter(named | any_of(f"username__{compared}", values) | by_words)


def any_of(lookup: str, values: list) -> Q:
    return reduce(or_, (Q((lookup, value)) for value in values))


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
NAME = in_words("actor_name", {"system": _("the system"), "nobody": _("nobody known")}, _("name"))


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
