"""python -m tests.bench [NAME]: run bench_NAME.py, or all, in a city of its own; results go to var/bench/NAME.json.

Each module has `run() -> list[dict]`, rows of {"name", "case", "ratio", "ours", "reference", "unit", "n"}.
Django is set up on that city's database as its owner; its address is in BASE_URL.
"""

import importlib
import json
import os
import sys
from pathlib import Path

from daejeon_soc.up import city_env
from tests.running_city import BASE, running_city

COLUMNS = ("name", "case", "ratio", "ours", "reference", "unit", "n")


def main(wanted: list[str]) -> int:
    there = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    if unknown := set(wanted) - set(there):
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(there)}", file=sys.stderr)
        return 2
    # Two cameras: drawing eight streets would take half of this machine from whatever is measured.
    with running_city(VIRTUAL_CAMERAS="2") as city:
        take_over(city.var_dir, city.base_url)
        for name in wanted or there:
            bench(name)
    return 0


def take_over(var_dir: Path, base_url: str) -> None:
    import django

    values = city_env.read(var_dir / "city.env")
    os.environ.update(
        VAR_DIR=str(var_dir),
        BASE_URL=base_url,
        DATABASE_URL=values["OWNER_DATABASE_URL"],
        REDIS_URL=values["REDIS_URL"],
        DJANGO_SETTINGS_MODULE="daejeon_soc.settings",
    )
    django.setup()


def bench(name: str) -> None:
    rows = importlib.import_module(f"tests.bench.bench_{name}").run()
    results = BASE / "var" / "bench"
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{name}.json").write_text(json.dumps(rows, indent=2))
    for row in rows:
        print("  ".join(str(row[column]) for column in COLUMNS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
