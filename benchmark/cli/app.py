"""The commands put together, and how a command ends."""

from __future__ import annotations

import logging
import signal
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from benchmark import __version__
from benchmark.cli import doctor, gate, listing, run, scores, show, throughput, weights
from benchmark.cli.terminal import Warnings, say
from benchmark.types import UserError

INTERRUPTED = 130
EPILOG = (
    "Exit codes: 0 done, 1 the gate found a regression, 2 the request cannot be done (the message says what to do), "
    "3 done but some pairs failed or a metric could not run, 130 interrupted (what `run` scored is kept)."
)


class Commands(TyperGroup):
    """The commands, each of which Ctrl-C and SIGTERM end with a word and exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    name="python -m benchmark",
    help="How well does an image quality metric agree with people, on which distortions, and how sure are we?\n\n"
    "Start with:  python -m benchmark run --metrics asna,lpips,ssim",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("list")(listing.list_names)
app.command("leaderboard")(show.leaderboard)
app.command("score")(scores.score)
app.command("import-scores")(scores.import_scores)
app.command("export")(show.export)
app.command("gate")(gate.gate)
app.command("throughput")(throughput.throughput)
app.add_typer(weights.app, name="weights")
app.add_typer(doctor.app, name="doctor")


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; a UserError becomes its message and exit code 2, a bug keeps its traceback."""
    for package in ("benchmark", "iqa_datasets"):
        logging.getLogger(package).addHandler(Warnings())
    try:
        app()
    except UserError as error:
        say(f"error: {error}")
        sys.exit(2)
