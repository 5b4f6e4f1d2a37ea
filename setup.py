"""Shim for tools that still call setup.py; everything else lives in setup.cfg."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithLessons(build_py):
    """Pack the notebooks, which lie beside the package, into the wheel."""

    def run(self) -> None:
        """Build, and copy the lessons with their data."""
        super().run()
        if self.editable_mode:
            return
        source, target = Path("notebooks"), Path(self.build_lib, "localnet", "_lessons")
        for file in [*source.glob("*.ipynb"), *source.glob("data/old-model.*")]:
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


setup(cmdclass={"build_py": WithLessons})
