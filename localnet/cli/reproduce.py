"""``localnet reproduce``: published tables done again."""

import argparse
import time
from pathlib import Path

from .. import plots, reproduce
from ..files.safe.atomic import check_place
from ..plots.files import picture_path
from ..plots.style import need_matplotlib
from ..reproduce import EXPERIMENTS, Results
from .arguments import Commands, add_workers, epilog, integer

__all__ = ["add_command"]

DESCRIPTION = """\
Do a published experiment again, from data that need no download, and print its table
beside ours.

lecun1989: five networks for handwritten digits, from one dense layer to shared weights.
lecun-later: three of them with what was found since, one change at a time.
mnist1d: what locality and what sharing are worth, with and without shuffled cells.

The same seeds give the same table, to the last digit, however many jobs or
workers of a Dask cluster there are.
"""

EXAMPLES = """\
localnet reproduce lecun1989 --jobs 2                ten seeds, some minutes
localnet reproduce mnist1d --seeds 1                 one seed of every network
localnet reproduce lecun1989 --from results.json     print the table again
"""


def add_command(commands: Commands) -> None:
    """Add ``reproduce`` to the commands."""
    parser = commands.add_parser(
        "reproduce",
        help="do a published experiment again and print its table beside ours",
        description=DESCRIPTION,
        epilog=epilog(EXAMPLES),
    )
    parser.add_argument(
        "experiment", choices=list(EXPERIMENTS), help="what is done again"
    )
    parser.add_argument(
        "--seeds",
        type=integer("--seeds", minimum=1),
        default=None,
        metavar="N",
        help="trainings of every network (default: 10 for lecun1989, 5 for the others)",
    )
    parser.add_argument(
        "--seed",
        type=integer("--seed", minimum=0),
        default=0,
        metavar="N",
        help="the first seed (default: 0)",
    )
    parser.add_argument(
        "--epochs",
        type=integer("--epochs", minimum=1),
        default=None,
        metavar="N",
        help="passes over the data (default: 300 for lecun1989, 100 for lecun-later, "
        "60 for mnist1d)",
    )
    add_workers(parser)
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="where every number goes (default: localnet-EXPERIMENT.json)",
    )
    parser.add_argument(
        "--picture",
        metavar="FILE",
        help="where the picture goes; needs the extra plot (default: "
        "localnet-EXPERIMENT.png where that is installed)",
    )
    parser.add_argument(
        "--from",
        dest="read",
        metavar="FILE",
        help="read these results, and train nothing",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=reproduce_experiment)


def reproduce_experiment(options: argparse.Namespace) -> int:
    """Train or read, print the table, and save numbers and picture."""
    experiment = EXPERIMENTS[options.experiment]
    picture = _picture(options)
    print(f"{experiment.title}\n")
    if options.read is not None:
        results = Results.load(options.read)
        if results.experiment != experiment.name:
            raise ValueError(
                f"--from must be a file of {experiment.name}, got one of "
                f"{results.experiment}"
            )
    else:
        path = Path(options.results or f"localnet-{experiment.name}.json")
        check_place(path, "--results")
        started = time.perf_counter()
        count = experiment.seeds if options.seeds is None else options.seeds
        results = reproduce.run(
            experiment,
            seeds=range(options.seed, options.seed + count),
            epochs=options.epochs,
            jobs=options.jobs,
            dask=options.dask,
            verbose=not options.quiet,
        )
        results.save(path)
        seconds = time.perf_counter() - started
    print(experiment.table(results))
    if options.read is None:
        print(f"\n{len(results.values)} trainings in {seconds:.0f} s: {path}")
    if picture is not None:
        figure = reproduce.draw(experiment, results)
        print(f"picture: {plots.save(figure.axes[0], picture)}")
    return 0


def _picture(options: argparse.Namespace) -> Path | None:
    """Return where the picture goes, or None without matplotlib and without a wish."""
    path = Path(options.picture or f"localnet-{options.experiment}.png")
    if options.picture is None:
        try:
            need_matplotlib()
        except ImportError:
            return None
    check_place(picture_path("--picture", path), "--picture")
    return path
