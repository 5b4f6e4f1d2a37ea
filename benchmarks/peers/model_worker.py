"""
A process that holds whole models of one library and runs what the driver asks for.

Run by the driver: python -m peers.model_worker LIBRARY THREADS
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.worker import Worker, serve

__all__ = ["ModelWorker"]


class ModelWorker(Worker):
    """The commands of `Worker`, on models in the place of layers."""

    PREFIX = "models_"

    def workloads(self) -> Mapping[str, Any]:
        """Return the models, which draw their weights too."""
        from peers.models import MODELS

        return MODELS

    def prepare(self, name: str, judge: str) -> dict[str, Any]:
        """Build a contender and hold what it predicts and loses against the judge."""
        from peers.contender import Unsupported
        from peers.models import disagreement

        try:
            contender = self._module.BUILDERS[name](*self._data)
        except Unsupported as reason:
            return {"excluded": str(reason)}
        errors = disagreement(contender.results(), Path(judge))
        if not all(error <= 1 for error in errors.values()):
            said = ", ".join(f"{k} by {v:.3g}" for k, v in errors.items())
            return {"excluded": f"disagrees, in units of what is allowed: {said}"}
        self._contenders[name] = contender
        return {"errors": errors}


if __name__ == "__main__":
    serve(ModelWorker)
