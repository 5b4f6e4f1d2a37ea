"""``python -m localnet.cli``: the same as ``python -m localnet``."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
