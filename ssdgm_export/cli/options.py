"""Options that several commands share, with the texts of the runtime's commands."""

from typing import Annotated

import typer

from ssdgm_runtime.console import catalogue

AsJson = Annotated[bool, typer.Option(*catalogue.AS_JSON.flags, help=catalogue.AS_JSON.help)]
Quiet = Annotated[bool, typer.Option(*catalogue.QUIET.flags, help=catalogue.QUIET.help)]
Force = Annotated[bool, typer.Option(*catalogue.FORCE.flags, help=catalogue.FORCE.help)]
