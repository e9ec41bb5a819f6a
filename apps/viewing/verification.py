"""The public page that says whether a video file is a clip of this centre, untouched. Without an account.

Nothing of a file is kept: where scripts run it does not even leave the visitor's machine, else it is read as it
arrives and forgotten.
"""

import json
import re

from django.contrib.auth.decorators import login_not_required
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponseBadRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.video import seal, signing, verifying
from apps.video.seal import Evidence, Reading

# Above this a file is checked in the browser only, or by the command line. The front server refuses it as well.
LARGEST_UPLOAD = 2 * 1024**3
LARGEST_QUESTION = 2 * seal.LARGEST_SEAL
SHA256 = re.compile(r"[0-9a-f]{64}")


class NoFile(ValueError):
    """What was sent holds no file that could be checked; the message says why."""


@login_not_required
@require_safe
def verify(request):
    return _page(request)


@login_not_required
@never_cache
@csrf_exempt  # it acts for nobody and changes nothing, and a token would have to be looked for in the upload
@require_http_methods(["GET", "HEAD", "POST"])
def verify_file(request):
    """The answer about a file that was sent: for browsers that run no scripts."""
    if request.method != "POST":
        return redirect("verify")
    try:
        finding = verifying.judge(_evidence_of_upload(request))
    except NoFile as trouble:
        return _page(request, problem=str(trouble), status=400)
    return _page(request, finding=_told(finding))


def _page(request, status: int = 200, **found):
    context = {"seal_type": seal.TYPE.hex(), "largest": LARGEST_UPLOAD, **found}
    return render(request, "verify/page.html", context, status=status)


@login_not_required
@never_cache
@csrf_exempt
@require_POST
def check(request):
    """The same question asked by the page's script, which has read the file itself."""
    try:
        evidence = _evidence_in(request.body)
    except NoFile as trouble:
        return HttpResponseBadRequest(str(trouble))
    return render(request, "verify/_finding.html", {"finding": _told(verifying.judge(evidence))})


@login_not_required
@require_safe
def keys(request):
    """Every public key the centre ever signed with, so that anybody can check a signature without asking."""
    return JsonResponse({"keys": signing.public_keys()}, encoder=DjangoJSONEncoder)


class _Reader(FileUploadHandler):
    """Reads the first file of a form as it comes in, and stores none."""

    chunk_size = 1 << 20

    def __init__(self, request):
        super().__init__(request)
        self.evidence: Evidence | None = None
        self._reading: Reading | None = None

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        if self._reading or not self.file_name:
            raise SkipFile
        self._reading = Reading()

    def receive_data_chunk(self, raw_data, start):
        self._reading.feed(raw_data)

    def file_complete(self, file_size):
        if file_size:
            self.evidence = self._reading.finish()


def _evidence_of_upload(request) -> Evidence:
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > LARGEST_UPLOAD:
        raise NoFile(_("The file is too large to be sent. Check it in a browser that runs scripts."))
    reader = _Reader(request)
    request.upload_handlers = [reader]
    try:
        request.FILES  # noqa: B018  (asking for it reads it)
    except MultiPartParserError as error:
        raise NoFile(_("The file did not arrive whole. Send it again.")) from error
    if reader.evidence is None:
        raise NoFile(_("Choose a file first."))
    return reader.evidence


def _evidence_in(body: bytes) -> Evidence:
    asked = seal.parse(body) if len(body) <= LARGEST_QUESTION else {}
    digest, content, sealed = asked.get("sha256"), asked.get("content") or "", asked.get("seal") or {}
    numbers = asked.get("numbers") or []
    if not (isinstance(digest, str) and SHA256.fullmatch(digest)):
        raise NoFile(_("The fingerprint of the file is missing."))
    if not (isinstance(content, str) and isinstance(sealed, dict) and isinstance(numbers, list)):
        raise NoFile(_("The fingerprint of the file is missing."))
    return Evidence(digest, content, sealed, tuple(map(str, numbers[: seal.MOST_NUMBERS])))


def _told(finding: verifying.Finding) -> dict:
    """What a stranger is told, with the times as times."""
    told = finding.public()
    moments = {name: parse_datetime(told[name]) for name in ("from", "to", "first_picture", "made_at") if name in told}
    return {**told, **moments, "begins": moments.get("from"), "json": json.dumps(told, ensure_ascii=False, indent=2)}
