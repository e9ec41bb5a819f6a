"""The names of the services that calls come in by, for pages below the floor that links them."""

NAMES: dict[str, str] = {}
