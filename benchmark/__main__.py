"""``python -m benchmark``, and the command ``iqa-benchmark``."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def main() -> None:
    """Run the command line and exit with its code."""
    from benchmark.ending import run

    run(_command)


def _command() -> Callable[[], Any]:
    from benchmark.cli.app import app
    from benchmark.output.console import show_warnings

    show_warnings()
    return app


def _leave_the_folder() -> None:
    """Take the current folder, which ``python -m`` puts first, from where modules are looked for, unless we come from it.

    A user's own ``torch.py`` or ``lpips.py`` there would be taken for the library, here and in every worker process, and
    a folder ``benchmark`` without modules for this package. A ``benchmark.py`` is run in our place: that is Python's rule.
    """
    here = os.getcwd()
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not sys.flags.safe_path and sys.path[:1] == [here] and not os.path.samefile(home, here):
        del sys.path[0]
        if sys.modules["benchmark"].__file__ is None:
            del sys.modules["benchmark"]


if __name__ == "__main__":
    _leave_the_folder()
    main()
