"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Bundle = Annotated[Path, typer.Argument(help="A .ssdgm folder, or a .zip of one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Provider = Annotated[str, typer.Option(help="auto, cpu, cuda, or a provider's own name.")]
Variant = Annotated[str, typer.Option(help="auto, or a precision such as fp32.")]
Threads = Annotated[int | None, typer.Option(help="The size of the thread pool.", min=1)]
AllowPartial = Annotated[
    bool, typer.Option("--allow-partial", help="Let a named provider leave nodes to the CPU.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an output file that exists.")]
