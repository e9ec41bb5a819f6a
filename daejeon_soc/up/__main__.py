"""python -m daejeon_soc.up run | test [pytest arguments]"""

import sys

from daejeon_soc.up.run import run
from daejeon_soc.up.steps import NotUp
from daejeon_soc.up.test import test


def main(words: list[str]) -> int:
    try:
        match words:
            case ["run"]:
                run()
                return 0
            case ["test", *arguments]:
                return test(arguments)
    except NotUp as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
