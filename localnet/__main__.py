"""``python -m localnet``: the same as the command ``localnet``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
