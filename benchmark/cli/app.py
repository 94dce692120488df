"""The commands put together, and how a command ends."""

from __future__ import annotations

import typer

from benchmark import __version__
from benchmark.cli import doctor, gate, listing, remove, run, scores, show, throughput, weights
from benchmark.cli.commands import Commands

EPILOG = (
    "Exit codes: 0 done, 1 the gate found a regression, 2 the request cannot be done (the message says what to do), "
    "3 done but some pairs failed or a metric could not run, 70 a bug of the program (the message says where), 130 "
    "interrupted (what `run` scored is kept), 141 the reader of the output went away."
)


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
app.command("remove")(remove.remove)
app.command("gate")(gate.gate)
app.command("throughput")(throughput.throughput)
app.add_typer(weights.app, name="weights")
app.add_typer(doctor.app, name="doctor")


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        print(__version__)
        raise typer.Exit
