"""What came of provision: for the readers of the register of all agencies, for an agency of its own."""

from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.models import Agency
from apps.console.answer_pages import agency_of
from apps.console.register_pages import ExtractForm, csv_answer
from apps.console.templatetags.console import service_name, type_name
from apps.mous.hit_rate import Line, lines, together
from apps.mous.models import UseResult
from apps.viewing.register_files import comma_safe


class AskedForm(ExtractForm):
    refusals = None

    def __init__(self, *args, own: Agency | None, **kwargs):
        super().__init__(*args, **kwargs)
        if own:
            del self.fields["agency"]
        else:
            self.fields["agency"].queryset = Agency.objects.filter(provisions__isnull=False).distinct()


def asked_for(request) -> tuple[AskedForm, Agency | None]:
    """The question, and the agency that alone the reader may ask about. By itself it is about this year."""
    own = None if request.user.has_perm("mous.view_ledgerentry") else agency_of(request)
    today = timezone.localdate()
    default = {"first": today.replace(month=1, day=1).isoformat(), "last": today.isoformat()}
    return AskedForm({**default, **request.GET.dict()}, own=own), own


def counted(form: AskedForm, own: Agency | None) -> list[Line]:
    asked = form.cleaned_data
    agency = own or asked["agency"]
    return lines(asked["first"], asked["last"], agency and [agency.pk])


def page(request):
    form, own = asked_for(request)
    context = {"form": form, "own": own, "outcomes": UseResult.Outcome.labels}
    if form.is_valid():
        found = counted(form, own)
        context |= {
            "rows": together(found, lambda line: (line.agency.code, line.service, line.type)),
            "months": together(found, lambda line: (line.month,)),
            "whole": together(found, lambda line: ()),
            "extra": request.GET.urlencode(),
        }
    return render(request, "console/hit_rate.html", context, status=200 if form.is_valid() else 422)


def table(request):
    """The same by month, as CSV."""
    form, own = asked_for(request)
    if not form.is_valid():
        raise Http404
    names = [_("Month"), _("Agency"), _("Service"), _("Type"), _("Provisions"), _("Answered"), _("Unanswered")]
    rows = [[*names, *UseResult.Outcome.labels, _("Hit rate (%)")]]
    for line in counted(form, own):
        texts = (line.agency.name, service_name(line.service) or _("Without an incident"), type_name(line))
        sums = (line.opened, line.answered, line.unanswered, *line.outcomes.values())
        percent = "" if line.percent is None else line.percent
        rows.append([line.month, *(comma_safe(str(text)) for text in texts), *sums, percent])
    answer = csv_answer("hit_rate.csv", rows)
    answer["Cache-Control"] = "no-store, private"
    return answer
