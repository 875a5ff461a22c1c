"""What is remembered of a running cluster."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.node.place import Place, Record

pytestmark = pytest.mark.unit


def test_a_record_finds_its_process() -> None:
    assert Record.of(os.getpid()).is_running()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"started": 1}, id="a-later-process-of-the-same-number"),
        pytest.param({"boot": "another"}, id="before-a-reboot"),
    ],
)
def test_another_process_of_the_same_number_is_not_taken_for_ours(change: dict[str, Any]) -> None:
    assert not replace(Record.of(os.getpid()), **change).is_running()


def test_the_end_of_a_record_kills_its_process_once() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        record = Record.of(process.pid)
        record.end()
        record.end()
        assert process.wait() == -9
    assert not record.is_running()


def test_a_place_gives_back_its_record(tmp_path: Path) -> None:
    place = Place(folder=tmp_path)
    assert place.read_record() is None
    place.write_record(Record.of(os.getpid()))
    assert place.running() == Record.of(os.getpid())


def test_the_mark_of_a_place_is_its_own_and_fits_a_network_link() -> None:
    marks = {Place(folder=Path(f"/state/{name}")).mark for name in ("a", "b")}
    assert len(marks) == 2
    assert all(len(mark) <= 15 for mark in marks)
