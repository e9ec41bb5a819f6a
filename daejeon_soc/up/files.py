"""Files that hold a secret."""

import os
from pathlib import Path


def private_file(path: Path, text: str) -> None:
    """Replace a file at once with one that only its owner can read, from the first byte on."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
