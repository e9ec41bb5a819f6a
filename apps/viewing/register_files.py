"""The register as files: a spreadsheet, and the printed form."""

import io
from collections.abc import Iterator, Sequence
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

from apps.viewing.register import COLUMNS, LAW, OF_FILES, Column, Extract, copy_of

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
    """PDF on A3 across: every line in the law's columns, then what the guideline adds for files that left the centre.

    Headings stand on every page; the number of its line stands before each file.
    """
    fonts()
    file = io.BytesIO()
    form = Form(file, extract)
    form.begin(_("Personal video information register"), LAW)
    files = []
    for line in extract.lines().iterator(chunk_size=1_000):
        form.row([column.text(line) for column in LAW])
        if copy_of(line):
            files.append([column.text(line) for column in OF_FILES])
    form.close(_("%(n)s lines, printed %(at)s"))
    if files:
        form.begin(_("Files provided outside the centre (annex to the register)"), OF_FILES)
        for texts in files:
            form.row(texts)
        form.close(_("%(n)s files, printed %(at)s"))
    form.canvas.save()
    return file.getvalue()


class Form:
    """The register's pages: title, headings, rows as high as their longest cell, page numbers.

    A row that no page could hold goes on, in its columns, on the next.
    """

    def __init__(self, file, extract: Extract):
        self.width, self.height = landscape(A3)
        self.canvas = Canvas(file, pagesize=(self.width, self.height))
        self.canvas.setTitle(_("Personal video information register"))
        self.extract = extract
        self.page = 0

    def begin(self, title: str, columns: Sequence[Column]) -> None:
        """Another table, on a page of its own."""
        usable, whole = self.width - 2 * MARGIN, sum(column.share for column in columns)
        self.widths = [usable * column.share / whole for column in columns]
        self.title, self.headings, self.rows = title, [str(column.heading) for column in columns], 0
        self._begin_page()

    def _begin_page(self) -> None:
        self.page += 1
        self.y = self.height - MARGIN - TITLE
        self.canvas.setFont(BOLD, TITLE)
        self.canvas.drawCentredString(self.width / 2, self.y, self.title)
        self.canvas.setFont(FONT, SIZE + 1)
        self.y -= TITLE + 4
        self.canvas.drawString(MARGIN, self.y, self._about())
        self.canvas.drawRightString(self.width - MARGIN, self.y, _("Page %(n)s") % {"n": self.page})
        self.y -= GAP * 2
        self._draw(self._cells(self.headings, BOLD), BOLD)
        self.whole_page = self._room()

    def _about(self) -> str:
        words = {"first": self.extract.first, "last": self.extract.last, "zone": settings.TIME_ZONE}
        period = _("From %(first)s until %(last)s (time zone %(zone)s)") % words
        return f"{period}, {self.extract.agency.name}" if self.extract.agency else period

    def row(self, texts: list[str]) -> None:
        self.rows += 1
        cells = self._cells(texts, FONT)
        if self._room() < len(max(cells, key=len)) <= self.whole_page or self._room() < 1:
            self._turn()
        while True:
            room = self._room()
            self._draw([lines[:room] for lines in cells], FONT)
            left = [lines[room:] for lines in cells]
            if not any(left):
                return
            cells = [cells[0], *left[1:]]  # its number once more
            self._turn()

    def _cells(self, texts: list[str], font: str) -> list[list[str]]:
        return [list(wrapped(text, font, width - 2 * GAP)) for text, width in zip(texts, self.widths, strict=True)]

    def _room(self) -> int:
        """How many lines of text the page still takes."""
        return int((self.y - MARGIN - LEADING - 2 * GAP) // LEADING)

    def _turn(self) -> None:
        self.canvas.showPage()
        self._begin_page()

    def _draw(self, cells: list[list[str]], font: str) -> None:
        height = len(max(cells, key=len)) * LEADING + 2 * GAP
        self.canvas.setFont(font, SIZE)
        self.canvas.setLineWidth(0.4)
        x = MARGIN
        for lines, width in zip(cells, self.widths, strict=True):
            self.canvas.rect(x, self.y - height, width, height)
            for number, text in enumerate(lines, 1):
                self.canvas.drawString(x + GAP, self.y - GAP - number * LEADING + 2, text)
            x += width
        self.y -= height

    def close(self, words: str) -> None:
        """The table's last page says how many rows it had."""
        self.canvas.setFont(FONT, SIZE)
        self.canvas.drawString(
            MARGIN, MARGIN, words % {"n": self.rows, "at": f"{timezone.localtime():%Y-%m-%d %H:%M:%S}"}
        )
        self.canvas.showPage()


class Shown(dict):
    """What is printed for a character, by its number. One that the typeface does not have (Hanja, pictures) is printed
    as its number: a reader sees that there was something, and what.
    """

    def __missing__(self, code: int) -> str:
        known = code in pdfmetrics.getFont(FONT).face.charToGlyph
        self[code] = (chr(code) if known else f"[U+{code:04X}]") if chr(code).isprintable() else " "
        return self[code]


@lru_cache(maxsize=1)
def _shown() -> Shown:
    return Shown()


def wrapped(text: str, font: str, width: float, size: float = SIZE) -> Iterator[str]:
    """The text in lines that fit: broken between words, and within a word that is wider than the cell."""
    line = ""
    for word in text.translate(_shown()).split():
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
