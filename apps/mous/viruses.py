"""Uploaded papers go past the centre's virus scanner, where it has one: ClamAV's clamd, by its own protocol.

Its Python clients are ten years old, or under a licence that does not go with ours; what we need of them is this.
"""

import socket
import struct
from contextlib import closing
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.audit.actions import record

PATIENCE_S = 60
CHUNK = 256 * 1024
LONGEST_ANSWER = 4096
PORT = 3310


class Unanswered(Exception):
    """The scanner was not there, or could not say."""


def refuse_infected(file, *, by) -> None:
    """Raises ValidationError for what the scanner finds something in, and for what it could not look at."""
    if not settings.CLAMD_ADDRESS:
        return
    try:
        found = virus_in(file)
    except Unanswered as why:
        record("paper.not_scanned", actor=by, why=str(why)[:200])
        words = _("The virus scanner did not answer, so the paper was not kept. Try again, or tell the administrator.")
        raise ValidationError(words, code="not_scanned") from why
    if found:
        record("paper.infected", actor=by, file=file.name[:200], virus=found)
        raise ValidationError(_("A virus was found in it: %(name)s.") % {"name": found}, code="infected")


def virus_in(file) -> str:
    """The name of what clamd finds in `file`, empty when it finds nothing."""
    try:
        with closing(_line()) as line:
            file.seek(0)
            _send(line, file)
            answer = _answer(line)
    except OSError as trouble:
        raise Unanswered(str(trouble)) from trouble
    finally:
        file.seek(0)
    verdict = answer.removeprefix("stream: ")
    if verdict == "OK":
        return ""
    if verdict.endswith(" FOUND"):
        return verdict.removesuffix(" FOUND")
    raise Unanswered(answer or "no answer")


def _line() -> socket.socket:
    address = urlsplit(settings.CLAMD_ADDRESS)
    if address.scheme == "tcp":
        return socket.create_connection((address.hostname, address.port or PORT), timeout=PATIENCE_S)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(PATIENCE_S)
    try:
        line.connect(address.path)
    except OSError:
        line.close()
        raise
    return line


def _send(line: socket.socket, file) -> None:
    """Each piece after its length, and a length of nothing at the end. Who was sent too much hangs up, and says so."""
    try:
        line.sendall(b"zINSTREAM\0")
        while piece := file.read(CHUNK):
            line.sendall(struct.pack("!L", len(piece)) + piece)
        line.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        return


def _answer(line: socket.socket) -> str:
    """What was said up to its end, a zero; empty when it broke off before."""
    said = b""
    while b"\0" not in said and len(said) < LONGEST_ANSWER and (more := line.recv(LONGEST_ANSWER)):
        said += more
    words, end, _rest = said.partition(b"\0")
    return words.decode(errors="replace").strip() if end else ""
