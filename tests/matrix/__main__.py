"""`python -m tests.matrix` writes docs/access-matrix.md."""

from tests.matrix.document import FILE, document

FILE.write_text(document())
