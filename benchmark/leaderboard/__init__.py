"""Leaderboards: `build.build` makes one from the store, `render.render` writes it.

`benchmark.leaderboard(...)` returns the board of a results folder (`benchmark.api.leaderboard`).
"""

from benchmark.callable_module import make_callable

make_callable(__name__)
