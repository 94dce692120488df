"""The group that a program's commands are in, and how their errors reach the one place that ends the program."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from benchmark.ending import INTERRUPTED, EscapedError
from benchmark.output.console import say


class Commands(TyperGroup):
    """Commands whose errors all reach `benchmark.ending`: the library would end the program with code 1 for some."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for; Ctrl-C and SIGTERM end it with a word."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort) as error:  # Abort: Ctrl-C or Ctrl-D at a question
            say(str(error) or "interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except (OSError, EOFError) as error:
            raise EscapedError from error
