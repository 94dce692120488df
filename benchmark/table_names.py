"""How a user's table of labels is named: `table:FILE.csv`, or `table:NAME=FILE.csv` to give it another name than the file's.

The name of the data set is `table:NAME`, by default with the file's stem for NAME: never a path, so that the same table is
the same data set from any folder and on any machine. What tells two tables of one name apart is their content.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

TABLE = "table:"
"""How the name of a data set begins that is a user's table."""
GIVEN = re.compile(r"([^/\\=]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TableName:
    """What a text that begins with `table:` stands for."""

    name: str
    """Of the data set: `table:NAME`."""
    path: Path


def is_table(text: str) -> bool:
    """Whether a text names a table."""
    return text.startswith(TABLE) and len(text) > len(TABLE)


def table_name(text: str) -> TableName:
    """Read `table:FILE` or `table:NAME=FILE`; a file whose own name holds "=" is taken as it is. `~` is the home folder."""
    whole = text.removeprefix(TABLE)
    given = GIVEN.fullmatch(whole)
    if given is None or os.path.isfile(os.path.expanduser(whole)):
        path = Path(os.path.expanduser(whole))
        return TableName(f"{TABLE}{path.stem}", path)
    return TableName(f"{TABLE}{given[1].strip()}", Path(os.path.expanduser(given[2])))


def to_ask_for(name: str) -> str:
    """How a command asks for the data set of this name: of a table nobody but the user knows where it lies."""
    return f"{name}=FILE.csv" if is_table(name) else name
