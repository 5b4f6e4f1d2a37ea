"""
Make ``keras/compiled.json`` with a real tf_keras: what ``compile`` decides for steps.

Run: ``python tests/data/make_compiled.py``, in an environment with tf_keras. The scenes
are in ``tests/compiling.py``. Arrays are written as nested lists of float32.
"""

import json
import sys
from pathlib import Path

import tensorflow as tf
import tf_keras

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from compiling import SCENES  # noqa: E402


def main():
    weights = {
        name: [weight.tolist() for weight in scene(tf_keras)]
        for name, scene in SCENES.items()
    }
    made = {"tensorflow": tf.__version__, "tf_keras": tf_keras.__version__}
    text = json.dumps({"made_by": made, "weights": weights}, separators=(",", ":"))
    (HERE / "keras" / "compiled.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
