"""The course of a training run: a CSV row per epoch, and a figure of the curves."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from benchmark.files import write_whole

COLUMNS = ("epoch", "learning_rate", "loss", "srcc", "krcc", "plcc", "seconds", "pairs_per_second")


class RunLog:
    """`log.csv` and `curves.png` in a run's folder."""

    def __init__(self, folder: Path, *, fresh: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.table, self.figure = folder / "log.csv", folder / "curves.png"
        self.rows: list[dict[str, float]] = []
        if not fresh and self.table.exists():
            with self.table.open(newline="", encoding="utf-8") as file:
                self.rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]

    def cut(self, epoch: int) -> None:
        """Drop rows after `epoch`: they were written by a run whose state was lost."""
        self.rows = [row for row in self.rows if row["epoch"] <= epoch]

    def add(self, row: dict[str, float]) -> None:
        """Append an epoch and write both files anew."""
        self.rows.append(row)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows([f"{row[column]:.6g}" for column in COLUMNS] for row in self.rows)
        write_whole(self.table, text.getvalue())
        draw_curves(self.rows, self.figure)


def draw_curves(rows: list[dict[str, float]], path: Path) -> None:
    """Draw training loss and validation agreement over the epochs as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    left.plot(epochs, [row["loss"] for row in rows], marker=".")
    left.set(xlabel="epoch", ylabel="training loss")
    for name in ("srcc", "krcc", "plcc"):
        right.plot(epochs, [row[name] for row in rows], marker=".", label=name.upper())
    right.set(xlabel="epoch", ylabel="validation agreement")
    right.legend()
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120)
    write_whole(path, picture.getvalue())
