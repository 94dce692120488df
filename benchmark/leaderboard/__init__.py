"""Leaderboards: `build.build` makes one from the store, `render.render` writes it."""
