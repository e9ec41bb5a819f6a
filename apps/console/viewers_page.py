"""Who was shown a camera's pictures of some time: read here, and printed for a citizen who asks."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from apps.audit.actions import record
from apps.cameras.actions import camera_numbered
from apps.console.provision_forms import Moment
from apps.viewing import viewers

LONGEST = timedelta(days=31)
MOST = 2_000


class AskedForm(forms.Form):
    camera = forms.CharField(label=gettext_lazy("Number of the camera"), max_length=80)
    start = Moment(label=gettext_lazy("From"))
    end = Moment(label=gettext_lazy("Until"))

    def clean_camera(self):
        found = camera_numbered(self.cleaned_data["camera"])
        if found is None:
            raise forms.ValidationError(_("There is no camera of this number."))
        return found

    def clean(self):
        cleaned = super().clean()
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and not start < end <= start + LONGEST:
            self.add_error("end", _("A month at most, and after the beginning."))
        return cleaned


@permission_required("viewing.view_viewlog", raise_exception=True)
def page(request):
    form = AskedForm(request.GET or None)
    context = {"form": form, "query": request.GET.urlencode()}
    if form.is_valid():
        asked = (form.cleaned_data["camera"], form.cleaned_data["start"], form.cleaned_data["end"])
        views = list(viewers.views_of(*asked)[: MOST + 1])
        context |= {
            "camera": asked[0],
            "provided": viewers.provisions_of(*asked)[:MOST],
            "views": [(view, viewers.body_of(view)) for view in views[:MOST]],
            "too_many": len(views) > MOST,
        }
        if "print" in request.GET and not context["too_many"]:
            return printed(request, *asked)
        _on_record(request, *asked, printed=False)
    return render(request, "console/viewers.html", context, status=422 if form.errors else 200)


def printed(request, camera, start, end) -> HttpResponse:
    number = f"{timezone.localtime():%Y%m%d-%H%M%S}"
    _on_record(request, camera, start, end, printed=True)
    with override(settings.LANGUAGE_CODE):
        body = viewers.report(camera, start, end, number=number).printed()
    headers = {"Content-Disposition": f'inline; filename="who_saw_{number}.pdf"', "Cache-Control": "no-store, private"}
    return HttpResponse(body, content_type="application/pdf", headers=headers)


def _on_record(request, camera, start, end, *, printed: bool) -> None:
    words = {"from": start.isoformat(), "until": end.isoformat(), "printed": printed}
    record("viewers.asked", actor=request.user, target=camera, **words)
