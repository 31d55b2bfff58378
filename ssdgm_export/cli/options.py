"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from ssdgm_runtime.console import catalogue

AsJson = Annotated[bool, typer.Option(*catalogue.AS_JSON.flags, help=catalogue.AS_JSON.help)]
Quiet = Annotated[bool, typer.Option(*catalogue.QUIET.flags, help=catalogue.QUIET.help)]
Force = Annotated[bool, typer.Option(*catalogue.FORCE.flags, help=catalogue.FORCE.help)]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run directory.")]
Threads = Annotated[
    int | None,
    typer.Option(help="Number of threads. [default: as the run was trained with]", min=1),
]
MovedData = Annotated[
    str | None, typer.Option(help="Where the run's data is now, if it has moved.")
]
MaxDrop = Annotated[
    str,
    typer.Option(
        help="Largest allowed rise of a classifier's error, or share of changed answers."
    ),
]
MaxDistortion = Annotated[
    str, typer.Option(help="Largest allowed growth of the reconstructions' squared error.")
]
AbsoluteTolerance = Annotated[
    float, typer.Option(help="Absolute tolerance of the comparison with torch.", min=0)
]
RelativeTolerance = Annotated[
    float, typer.Option(help="Relative tolerance of the comparison with torch.", min=0)
]
