"""The register for reading and export, and what the law wants published of it."""

import csv
import io
from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required, permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from apps.agencies.models import Agency
from apps.audit.actions import record
from apps.mous.publication import publication, years
from apps.viewing.register import LAW, Extract
from apps.viewing.register_files import comma_safe, printed, spreadsheet

ON_A_PAGE = 50
LONGEST = timedelta(days=366)
MOST_PRINTED = 20_000
FILES = {
    "pdf": (printed, "application/pdf"),
    "xlsx": (spreadsheet, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class Day(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value):
        day = super().clean(value)
        if not 2000 <= day.year <= 2999:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return day


class ExtractForm(forms.Form):
    first = Day(label=gettext_lazy("From"))
    last = Day(label=gettext_lazy("Until"))
    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        label=gettext_lazy("Agency"),
        required=False,
        to_field_name="code",
        empty_label=gettext_lazy("All"),
    )
    refusals = forms.BooleanField(label=gettext_lazy("Refusals too"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.all()

    def clean(self):
        cleaned = super().clean()
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and not first <= last <= first + LONGEST:
            self.add_error("last", _("A year at most, and not before the beginning."))
        return cleaned


def asked_for(request) -> ExtractForm:
    today = timezone.localdate()
    default = {"first": today.replace(day=1).isoformat(), "last": today.isoformat()}
    return ExtractForm({**default, **request.GET.dict()})


@permission_required("mous.view_ledgerentry", raise_exception=True)
def register(request):
    form = asked_for(request)
    context = {"form": form, "columns": LAW, "query": request.GET.urlencode()}
    if form.is_valid():
        page = Paginator(Extract(**form.cleaned_data).lines().reverse(), ON_A_PAGE).get_page(request.GET.get("page"))
        context |= {"page": page, "rows": [[(column.heading, column.text(line)) for column in LAW] for line in page]}
        pages = request.GET.copy()
        pages.pop("page", None)
        context["extra"] = pages.urlencode()
    return render(request, "console/register.html", context, status=200 if form.is_valid() else 422)


@permission_required("mous.view_ledgerentry", raise_exception=True)
def register_file(request, form):
    """The same lines as a file, in the city's language; taking it is on record."""
    asked = asked_for(request)
    if form not in FILES or not asked.is_valid():
        raise Http404
    extract = Extract(**asked.cleaned_data)
    lines = extract.lines().count()
    if lines > MOST_PRINTED:
        words = _("%(n)s lines are too many for one file: choose a shorter time.") % {"n": lines}
        return render(request, "console/register.html", {"form": asked, "columns": LAW, "problem": words}, status=422)
    write, content_type = FILES[form]
    with override(settings.LANGUAGE_CODE):
        body = write(extract)
    record(
        "register.exported",
        actor=request.user,
        form=form,
        first=str(extract.first),
        last=str(extract.last),
        agency=extract.agency.code if extract.agency else "",
        lines=lines,
    )
    name = f"register_{extract.first:%Y%m%d}_{extract.last:%Y%m%d}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"}
    return HttpResponse(body, content_type=content_type, headers=headers)


@login_not_required
def published(request, year=None):
    """Art. 18(4): on which grounds, for what and how much video was provided. For everybody, without sign-in."""
    known = years()
    year = year or (known[0] if known else timezone.localdate().year)
    context = {"year": year, "years": known, "lines": publication(_a_year(year))}
    return render(request, "console/published.html", context)


@login_not_required
def published_csv(request, year):
    heading = [
        _("Agency"),
        _("Legal ground"),
        _("Purpose"),
        _("Scope"),
        _("Provisions"),
        _("Cameras"),
        _("First"),
        _("Last"),
    ]
    rows = [
        [*map(comma_safe, (line.agency.name, line.ground, line.purpose, line.scope))]
        + [line.provisions, line.cameras, line.first, line.last]
        for line in publication(_a_year(year))
    ]
    return csv_answer(f"provisions_{year}.csv", [heading, *rows])


def csv_answer(name: str, rows: list[list]) -> HttpResponse:
    """A file that spreadsheets read as UTF-8."""
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    answer = HttpResponse(file.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _a_year(year: int) -> int:
    if not 2000 <= year <= 2999:
        raise Http404
    return year
