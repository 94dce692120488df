"""Reads variables of a MATLAB file and prints them as JSON; run by `label_files` in a process of its own.

``python matlab_process.py FILE.mat VARIABLE ...`` prints ``{"entries": [...]}`` with the entries of each variable, row by
row: a float for a number, a text for a text, null for anything else; null for a variable that is not there. A file that
cannot be read gives ``{"fault": "why"}``. Damage can end the process instead.
"""

import json
import sys
from typing import Any

MEMORY = 4 * 2**30
"""Address space that reading may take, in bytes: a small file can unpack to a huge one."""


def entries(path: str, variables: list[str]) -> list[list[Any] | None]:
    """Return the entries of each variable, None for one that the file lacks."""
    from scipy.io import loadmat

    content = loadmat(path, variable_names=variables)
    return [[plain(entry) for entry in content[name].ravel()] if name in content else None for name in variables]


def plain(entry: Any) -> Any:
    """A number or text that JSON can hold; None for anything else, such as a nested array."""
    try:
        value = entry.item() if hasattr(entry, "item") else entry
    except ValueError:  # more than one entry, or none
        return None
    return float(value) if isinstance(value, int | float) else value if isinstance(value, str) else None


def main() -> None:
    """Answer on stdout."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, OSError, ValueError):  # no such limits on this system
        pass
    try:
        answer: dict[str, Any] = {"entries": entries(sys.argv[1], sys.argv[2:])}
    except Exception as error:  # a damaged file fails in many ways inside scipy and zlib
        answer = {"fault": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
