"""``python -m asna``: train, evaluate, and make again everything that `asna/weights` and `results/asna` hold.

The only room of `asna` that parses arguments, prints and exits. Commands import what they need when they run.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from asna.terminal import choose_device, progress_bar
from benchmark.cli.commands import Commands
from benchmark.ending import run
from benchmark.output.console import print_line, show_warnings, write

DataRoot = Annotated[Path | None, typer.Option(envvar="IQA_DATA", help="Folder that holds the data sets.")]
Output = Annotated[Path, typer.Option(help="Folder for what is written.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Cache = Annotated[Path | None, typer.Option(help="Folder for decoded images (uncompressed): faster, takes space.")]
Workers = Annotated[int, typer.Option(min=0, max=1024, help="Processes that decode; 0: none beside this one.")]
Minutes = Annotated[float | None, typer.Option(min=0, help="End this sitting after so long; go on with --resume.")]


class Head(StrEnum):
    """Heads of the network."""

    flatten = "flatten"
    gap = "gap"


app = typer.Typer(
    cls=Commands,
    name="python -m asna",
    help="ASNA: train it, measure it, make its shipped weights again. The shipped weights were trained on synthetic labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def train(
    dataset: Annotated[str, typer.Option(help="A data set of the harness, or table:FILE.csv.")],
    output: Output,
    data_root: DataRoot = None,
    device: Device = "auto",
    init: Annotated[str | None, typer.Option(help="Start from this checkpoint (a file, or a shipped name).")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --output.")] = False,
    preset: Annotated[str, typer.Option(help="paper, or a shipped recipe: gap, flatten.")] = "paper",
    head: Annotated[Head | None, typer.Option(help="flatten (288 x 288 tiles, the paper's) or gap (any size).")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    crop: Annotated[int | None, typer.Option(min=16, help="Side of the training crops in pixels.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16; default bf16 on CUDA, fp32 elsewhere.")] = None,
    validation: Annotated[float | None, typer.Option(min=0, max=1, help="Share of contents held out.")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="Epochs without improvement before stopping.")] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    minutes: Minutes = None,
    workers: Workers = 0,
    cache: Cache = None,
) -> None:
    """Train on a data set, contents held out for validation; the defaults are the paper's."""
    from asna.session import preset_config, run_training
    from asna.train import report_to
    from benchmark.types import UserError

    config = preset_config(preset)
    chosen: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "crop": crop,
        "learning_rate": learning_rate,
        "validation_fraction": validation,
        "patience": patience,
        "seed": seed,
        "model": replace(config.model, head=head.value) if head else None,
    }
    device = choose_device(device)
    chosen["precision"] = precision or ("bf16" if device.startswith("cuda") else None)
    try:
        config = replace(config, **{key: value for key, value in chosen.items() if value is not None})
    except ValueError as error:
        raise UserError(str(error)) from error
    with progress_bar("training") as show:
        result = run_training(
            dataset=dataset,
            data_root=data_root,
            output=output,
            config=config,
            device=device,
            init=init,
            resume=resume,
            workers=workers,
            cache=cache,
            minutes=minutes,
            report=report_to(show, "training"),
        )
    more = "" if result.finished else "; not finished: go on with --resume"
    print_line(f"{result.best}: validation SRCC {result.srcc:.4f} after {result.epochs} epochs{more}")


@app.command("train-sorter")
def train_sorter(
    minutes: Annotated[float, typer.Option(min=0, help="Processor minutes for each design.")] = 2.5,
    output: Annotated[Path | None, typer.Option(help="File for the weights; default: the shipped one.")] = None,
    results: Annotated[Path, typer.Option(help="File for the table of errors.")] = Path("results/asna/sorter.csv"),
    compare: Annotated[bool, typer.Option(help="Train the authors' and the other designs too.")] = True,
    seed: int = 2105,
) -> None:
    """Train the network that ranks, and measure it beside the authors' and two other designs."""
    from asna import sorter_training
    from asna.sorter import SORTER_WEIGHTS

    with progress_bar("sorter") as show:
        rows = sorter_training.train_sorter(
            output=output or SORTER_WEIGHTS,
            results=results,
            minutes=minutes,
            seed=seed,
            designs=tuple(sorter_training.DESIGNS) if compare else ("comparison",),
            progress=lambda name, share, error: show(round(100 * share), 100, f"{name}, error {error:.4f}"),
        )
    for row in rows:
        print_line(f"{row.design:20s} {row.length:4d}  rank {row.rank_error:.4f}  rho {row.spearman_error:.5f}")


@app.command()
def evaluate(
    dataset: Annotated[str, typer.Option(help="A data set of the harness, or table:FILE.csv.")],
    checkpoint: Annotated[str, typer.Option(help="A shipped name, or a file.")] = "asna",
    data_root: DataRoot = None,
    device: Device = "auto",
    split: Annotated[str | None, typer.Option(help="Part of the data set: a name, or test:FRACTION:SEED.")] = None,
) -> None:
    """Agreement with the labels of a data set, in all and per distortion."""
    from asna.session import evaluate_checkpoint

    rows = evaluate_checkpoint(
        dataset=dataset, checkpoint=checkpoint, data_root=data_root, device=choose_device(device), split=split
    )
    print_line(f"{'subset':44s} {'n':>6s} {'SRCC':>7s} {'KRCC':>7s} {'PLCC':>7s}")
    for row in rows:
        print_line(f"{row.subset:44s} {row.n:6d} {row.srcc:7.4f} {row.krcc:7.4f} {row.plcc:7.4f}")


@app.command()
def synthesize(
    pristine: Annotated[Path, typer.Option(help="Photographs as PNG in training/ and validation/.")],
    output: Output,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    seed: int = 2105,
) -> None:
    """Make the synthetic pairs and their labels; a killed run goes on where it stopped."""
    from asna.synthetic import SyntheticConfig
    from asna.synthetic import synthesize as make

    with progress_bar("crops") as show:
        table = make(
            pristine=pristine,
            output=output,
            config=SyntheticConfig(seed=seed),
            workers=workers,
            progress=lambda done, total: show(done, total, "crops"),
        )
    print_line(str(table))


@app.command()
def recipe(
    pristine: Annotated[Path, typer.Option(help="Photographs as PNG in training/ and validation/.")],
    output: Output,
    device: Device = "auto",
    resume: Annotated[bool, typer.Option(help="Go on with a run begun in --output.")] = False,
    minutes: Minutes = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make pairs.")] = 2,
) -> None:
    """Make the shipped checkpoints again: synthetic pairs, the pooled network, then the flattened one from it."""
    from asna.session import run_recipe

    with progress_bar("recipe") as show:
        for line in run_recipe(
            pristine=pristine,
            output=output,
            device=choose_device(device),
            resume=resume,
            minutes=minutes,
            workers=workers,
            progress=show,
        ):
            print_line(line)


@app.command()
def ship(
    run: Annotated[Path, typer.Argument(help="Folder of a training run on a synthetic set.")],
    name: Annotated[str, typer.Option(help="asna-gap or asna-flatten.")],
    version: Annotated[str, typer.Option(help="Changes whenever a score may change.")] = "1",
    history: Annotated[str, typer.Option(help="What the network was begun from, in words.")] = "",
    weights: Annotated[Path | None, typer.Option(help="Folder; default: asna/weights.")] = None,
) -> None:
    """Put a run's best network, its log and its metadata into asna/weights."""
    from asna.checkpoint import WEIGHTS
    from asna.session import user_errors
    from asna.shipping import ship as put

    with user_errors():
        print_line(str(put(run, name=name, version=version, weights=weights or WEIGHTS, history=history)))


@app.command()
def ablation(
    table: Annotated[Path, typer.Option(help="pairs.csv of a synthetic set.")],
    output: Annotated[Path, typer.Option(help="Folder for the table and the figure.")] = Path("results/asna"),
    work: Annotated[Path, typer.Option(help="Folder for the runs; finished ones are kept.")] = Path("asna-ablation"),
    steps: Annotated[int, typer.Option(min=2, help="Steps of each run.")] = 300,
    seeds: Annotated[int, typer.Option(min=2)] = 3,
    device: Device = "auto",
) -> None:
    """The ranking term: none, the surrogate, or a library's soft rank; the same schedule, several seeds."""
    from asna.ablation import run_ablation

    with progress_bar("ablation") as show:
        report = run_ablation(
            table=table,
            output=output,
            work=work,
            steps=steps,
            seeds=seeds,
            device=choose_device(device),
            progress=show,
        )
    write(f"{report.read_text()}\n")


@app.command()
def reproduce(
    data_root: DataRoot = None,
    output: Output = Path("asna-reproduce"),
    device: Device = "auto",
    resume: Annotated[bool, typer.Option(help="Go on with the runs in --output.")] = False,
    workers: Workers = 2,
    cache: Cache = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each stage; default: the paper's 20.")] = None,
) -> None:
    """The paper's own recipe, for those who have the data: pre-train on TID2008 and TID2013, then train on PIPAL."""
    from asna.reproduce import reproduce as run

    with progress_bar("reproduce") as show:
        report = run(
            data_root=data_root,
            output=output,
            device=choose_device(device),
            resume=resume,
            workers=workers,
            cache=cache,
            epochs=epochs,
            progress=show,
        )
    print_line(str(report))


def _command() -> typer.Typer:
    show_warnings()
    return app


if __name__ == "__main__":
    run(_command)
