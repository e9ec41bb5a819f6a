"""A4 sheets to be printed, signed and handed over: certificates, and reports to a citizen."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from apps.viewing.register_files import BOLD, FONT, fonts, wrapped

MARGIN, GAP, SIZE, LEADING, TITLE = 57, 5, 10, 14, 18
LABEL_SHARE = 0.28


@dataclass(frozen=True)
class Sheet:
    """What a sheet says. A fact's text may have several lines; of `table` the first row are the headings.

    `signer` is the body whose officer signs: the centre, unless another is named.
    """

    title: str
    number: str
    facts: Sequence[tuple[str, str]]
    statement: str
    at: datetime
    table: Sequence[Sequence[str]] = ()
    signer: str = ""

    def printed(self) -> bytes:
        """The sheet as PDF, with its typeface."""
        fonts()
        file = io.BytesIO()
        paper = _Paper(Canvas(file, pagesize=A4))
        paper.canvas.setTitle(self.title)
        paper.line(" ".join((_("Number"), self.number)), after=LEADING * 2)
        paper.line(self.title, BOLD, TITLE, centred=True, after=LEADING * 2)
        for label, text in self.facts:
            paper.row((label, text), (LABEL_SHARE, 1 - LABEL_SHARE), (BOLD, FONT))
        paper.space(LEADING)
        for place, cells in enumerate(self.table):
            paper.row(cells, [1 / len(cells)] * len(cells), [FONT if place else BOLD] * len(cells))
        self._close(paper)
        return file.getvalue()

    def _close(self, paper: "_Paper") -> None:
        paper.space(LEADING)
        for text in wrapped(self.statement, FONT, paper.width, SIZE):
            paper.line(text)
        paper.space(LEADING * 2)
        paper.line(f"{timezone.localtime(self.at):%Y-%m-%d}", centred=True, after=LEADING * 2)
        city = settings.CITY["name_ko" if (get_language() or "ko").startswith("ko") else "name_en"]
        centre = _("%(city_name)s operation centre") % {"city_name": city}
        paper.line("    ".join((self.signer or centre, _("Officer in charge"), _("(signature or seal)"))), centred=True)
        paper.canvas.save()


class _Paper:
    """Where the next line goes; a new page when there is no room."""

    def __init__(self, canvas: Canvas):
        self.canvas = canvas
        self.width, self.height = A4[0] - 2 * MARGIN, A4[1]
        self.y = self.height - MARGIN

    def space(self, points: float) -> None:
        self.y -= points

    def line(self, text: str, font: str = FONT, size: float = SIZE, *, centred: bool = False, after: float = 0) -> None:
        self._need(LEADING)
        self.y -= size
        self.canvas.setFont(font, size)
        draw = self.canvas.drawCentredString if centred else self.canvas.drawString
        draw(MARGIN + (self.width / 2 if centred else 0), self.y, text)
        self.y -= LEADING - SIZE + after

    def row(self, texts: Iterable[str], shares: Sequence[float], faces: Sequence[str]) -> None:
        widths = [self.width * share for share in shares]
        cells = [_lines(*cell) for cell in zip(texts, faces, widths, strict=True)]
        height = max(map(len, cells)) * LEADING + 2 * GAP
        self._need(height)
        x = MARGIN
        self.canvas.setLineWidth(0.5)
        for lines, face, width in zip(cells, faces, widths, strict=True):
            self.canvas.rect(x, self.y - height, width, height)
            self.canvas.setFont(face, SIZE)
            for number, text in enumerate(lines, 1):
                self.canvas.drawString(x + GAP, self.y - GAP - number * LEADING + 4, text)
            x += width
        self.y -= height

    def _need(self, height: float) -> None:
        if self.y - height < MARGIN:
            self.canvas.showPage()
            self.y = self.height - MARGIN


def _lines(text: str, face: str, width: float) -> list[str]:
    return list(chain.from_iterable(wrapped(part, face, width - 2 * GAP, SIZE) for part in text.split("\n")))
