"""Modules whose name is also a function of the Python layer: `benchmark.metrics` holds the metrics, `metrics()` lists them.

Python sets a package's attribute to a submodule as soon as that is imported, so a function of the same name would be
there or not by what was imported before. Such a module is made callable instead: a call goes to `benchmark.api`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """A module that passes calls on to the function of its name in `benchmark.api`."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the function."""
        return self._function()(*arguments, **options)

    def _function(self) -> Callable[..., Any]:
        from benchmark import api

        return getattr(api, self.__name__.rpartition(".")[2])

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function())


def make_callable(module: str) -> None:
    """Let the module of this name, which is being imported, be called."""
    sys.modules[module].__class__ = CallableModule
