"""What a sweep found: a file that is complete after every trial, and a table."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .._validate import shown
from ..files.safe.atomic import check_place, write_atomically

__all__ = ["Table"]


class Table:
    """
    Measures of trials, by what tells them apart.

    Parameters
    ----------
    keys : sequence of str
        The columns that tell trials apart, the seed last.
    path : pathlib.Path or None
        A ``.csv`` file that holds every row; what it holds already is kept.
    order : sequence of tuple of str
        Rows that stand last in the file, in this order, whenever they come.

    Raises
    ------
    ValueError
        If the file is one of another grid.
    OSError
        If it cannot be read or written.
    """

    def __init__(
        self,
        keys: Sequence[str],
        path: Path | None,
        *,
        order: Sequence[tuple[str, ...]] = (),
    ) -> None:
        self.keys = list(keys)
        self.last = {key: place for place, key in enumerate(order)}
        self.path = path
        self.rows: dict[tuple[str, ...], dict[str, str]] = {}
        if path is not None:
            if path.suffix.lower() != ".csv":
                raise ValueError(f"--out must be a .csv file, got {shown(str(path))}")
            if not path.parent.is_dir():
                raise ValueError(
                    f"--out must be in a folder that exists, got {shown(str(path))}"
                )
            check_place(path, "--out")
            if path.exists():
                self._read(path)

    def _read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"--out must be a .csv file in UTF-8, got {shown(str(path))}: {error}"
            ) from error
        lines = list(csv.reader(io.StringIO(text)))
        header = lines[0] if lines else []
        count = len(self.keys)
        # Without the end of the last line nobody knows whether its number is whole.
        whole = lines[1:] if text.endswith("\n") else lines[1:-1]
        odd = any(len(line) != len(header) for line in whole)
        if header[:count] != self.keys or odd:
            raise ValueError(
                f"--out must be a new file or one of the same grid, with the columns "
                f"{','.join(self.keys)}, got {shown(str(path))}"
            )
        for number, line in enumerate(whole, 2):
            for name, value in zip(header[count:], line[count:], strict=True):
                if value and not _is_number(value):
                    raise ValueError(
                        f"--out must hold numbers, got {shown(value)} for {name} in "
                        f"line {number} of {shown(str(path))}"
                    )
            self.rows[tuple(line[:count])] = dict(
                zip(header[count:], line[count:], strict=True)
            )

    def add(self, key: tuple[str, ...], measures: Mapping[str, float]) -> None:
        """Add a row, and write the file anew."""
        self.rows[key] = {name: repr(value) for name, value in measures.items()}
        self.rows = dict(
            sorted(self.rows.items(), key=lambda row: self.last.get(row[0], -1))
        )
        if self.path is not None:
            names = self.measures(self.rows)
            out = io.StringIO()
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow([*self.keys, *names])
            for row, found in self.rows.items():
                writer.writerow([*row, *(found.get(name, "") for name in names)])
            data = out.getvalue().encode()
            write_atomically(self.path, lambda stream: stream.write(data))

    def measures(self, keys: Iterable[tuple[str, ...]]) -> list[str]:
        """Return the names of all that was measured in some rows."""
        return list(dict.fromkeys(name for key in keys for name in self.rows[key]))

    def summary(self, keys: Sequence[tuple[str, ...]], shown: slice) -> str:
        """Return means and deviations over the seeds, a line for each setting."""
        names = self.measures(keys)
        groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for key in keys:
            groups.setdefault(key[:-1][shown], []).append(key)
        lines = [[*self.keys[:-1][shown], "seeds", *names]]
        for group, members in groups.items():
            cells = []
            for name in names:
                values = [float(self.rows[key].get(name) or "nan") for key in members]
                spread = f" +- {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
                cells.append(f"{np.mean(values):.4f}{spread}")
            lines.append([*group, str(len(members)), *cells])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True))
            for line in lines
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
