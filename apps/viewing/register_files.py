"""The register as files: a spreadsheet, and the printed form."""

import io
from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from reportlab.lib.pagesizes import A3, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from apps.viewing.register import COLUMNS, LAW, Extract

# Read as a formula by spreadsheets when a cell begins with it.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(extract: Extract) -> bytes:
    """XLSX with all columns. Every cell is text: nothing that somebody typed is ever a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Register"))
    sheet.freeze_panes = "A2"
    for index, column in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(index)].width = column.share * 2
    sheet.append([_cell(sheet, str(column.heading), bold=True) for column in COLUMNS])
    for line in extract.lines().iterator(chunk_size=1_000):
        sheet.append([_cell(sheet, column.text(line)) for column in COLUMNS])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(sheet, text: str, *, bold: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(FORMULA_SIGNS)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if bold:
        cell.font = Font(bold=True)
    return cell


def comma_safe(text: str) -> str:
    """A field of a CSV that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


# --- the printed form --------------------------------------------------------------

MARGIN, GAP, SIZE, LEADING, TITLE = 28, 3, 7, 9, 15
FONT, BOLD = "Pretendard", "Pretendard-Bold"


@lru_cache(maxsize=1)
def fonts() -> tuple[str, str]:
    """The two faces, embedded in every form. OSError when the package of the typeface is not installed."""
    folder = settings.NODE_MODULES / "pretendard" / "dist" / "public" / "static" / "alternative"
    for name, file in ((FONT, "Pretendard-Regular.ttf"), (BOLD, "Pretendard-Bold.ttf")):
        if not (folder / file).exists():
            raise FileNotFoundError(folder / file)
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    return FONT, BOLD


def printed(extract: Extract) -> bytes:
    """PDF on A3 across, in the law's columns, headings on every page."""
    fonts()
    file = io.BytesIO()
    form = Form(file, extract)
    for line in extract.lines().iterator(chunk_size=1_000):
        form.row([column.text(line) for column in LAW])
    form.finish()
    return file.getvalue()


class Form:
    """The register's page: a title, headings, rows as high as their longest cell, page numbers."""

    def __init__(self, file, extract: Extract):
        self.width, self.height = landscape(A3)
        self.canvas = Canvas(file, pagesize=(self.width, self.height))
        self.canvas.setTitle(_("Personal video information register"))
        self.extract = extract
        usable, whole = self.width - 2 * MARGIN, sum(column.share for column in LAW)
        self.widths = [usable * column.share / whole for column in LAW]
        self.page = 0
        self.rows = 0
        self._begin_page()

    def _begin_page(self) -> None:
        self.page += 1
        self.y = self.height - MARGIN - TITLE
        self.canvas.setFont(BOLD, TITLE)
        self.canvas.drawCentredString(self.width / 2, self.y, _("Personal video information register"))
        self.canvas.setFont(FONT, SIZE + 1)
        self.y -= TITLE + 4
        self.canvas.drawString(MARGIN, self.y, self._about())
        self.canvas.drawRightString(self.width - MARGIN, self.y, _("Page %(n)s") % {"n": self.page})
        self.y -= GAP * 2
        self._draw([str(column.heading) for column in LAW], BOLD)

    def _about(self) -> str:
        words = {"first": self.extract.first, "last": self.extract.last, "zone": settings.TIME_ZONE}
        period = _("From %(first)s until %(last)s (time zone %(zone)s)") % words
        return f"{period}, {self.extract.agency.name}" if self.extract.agency else period

    def row(self, texts: list[str]) -> None:
        self.rows += 1
        self._draw(texts, FONT)

    def _draw(self, texts: list[str], font: str) -> None:
        cells = [list(wrapped(text, font, width - 2 * GAP)) for text, width in zip(texts, self.widths, strict=True)]
        height = max(len(lines) for lines in cells) * LEADING + 2 * GAP
        if self.y - height < MARGIN + LEADING and font == FONT:
            self.canvas.showPage()
            self._begin_page()
        self.canvas.setFont(font, SIZE)
        self.canvas.setLineWidth(0.4)
        x = MARGIN
        for lines, width in zip(cells, self.widths, strict=True):
            self.canvas.rect(x, self.y - height, width, height)
            for number, text in enumerate(lines, 1):
                self.canvas.drawString(x + GAP, self.y - GAP - number * LEADING + 2, text)
            x += width
        self.y -= height

    def finish(self) -> None:
        if not self.rows:
            self.row([_("No lines."), *[""] * (len(LAW) - 1)])
        self.canvas.setFont(FONT, SIZE)
        words = {"n": self.rows, "at": f"{timezone.localtime():%Y-%m-%d %H:%M:%S}"}
        self.canvas.drawString(MARGIN, MARGIN, _("%(n)s lines, printed %(at)s") % words)
        self.canvas.save()


def wrapped(text: str, font: str, width: float, size: float = SIZE) -> Iterator[str]:
    """The text in lines that fit: broken between words, and within a word that is wider than the cell."""
    line = ""
    for word in "".join(c if c.isprintable() else " " for c in text).split():
        while word:
            joined = f"{line} {word}" if line else word
            if pdfmetrics.stringWidth(joined, font, size) <= width:
                line, word = joined, ""
            elif line:
                yield line
                line = ""
            else:
                fits = _fitting(word, font, width, size)
                yield word[:fits]
                word = word[fits:]
    yield line


def _fitting(word: str, font: str, width: float, size: float) -> int:
    """How many characters of the word fit; at least one."""
    total = 0.0
    for index, character in enumerate(word):
        total += pdfmetrics.stringWidth(character, font, size)
        if total > width:
            return max(index, 1)
    return len(word)
