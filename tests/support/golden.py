"""Golden files: whole documents below tests/data, rewritten by `pytest --update-data`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Golden"]

_DATA = Path(__file__).parents[1] / "data"


class Golden:
    """Compares documents with files.

    Args:
        update: Whether to write the files instead.
        data: The folder with the files.
    """

    def __init__(self, *, update: bool, data: Path = _DATA) -> None:
        self._update = update
        self._data = data

    def check(self, name: str, document: Mapping[str, Any]) -> None:
        """Fail unless the YAML file below tests/data says the same; keys may stand in any order."""
        file = self._data / name
        text = yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=True, width=100)
        if self._update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert file.exists(), f"{name} is missing: run `pytest --update-data` and review the diff"
        assert text == file.read_text(), f"{name} differs: run `pytest --update-data`, review it"
