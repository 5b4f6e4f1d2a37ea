"""A backend that crashes and hangs, for a process of its own: cheap to import."""

import os
import time

from localnet.golden.adapters import engines


def crashing(case):
    if case.id == "relu-1d":
        os.abort()
    if case.id == "pad-value":
        time.sleep(60)
    return engines.blocked(case)
