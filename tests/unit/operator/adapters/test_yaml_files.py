import os
from pathlib import Path

import pytest

from dantaro_operator.adapters.yaml_files import YamlFolder, read_paths

pytestmark = pytest.mark.unit


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_and_json_of_the_folder_itself_are_read(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.json", "notes.txt", ".hidden.yaml"):
        write(tmp_path, name, '{"kind": "X"}')
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner", "d.yaml", "kind: Y")
    assert [file.name for file in YamlFolder(tmp_path).read().files] == [
        "a.yaml",
        "b.yml",
        "c.json",
    ]


def test_an_unchanged_file_is_not_parsed_twice(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "kind: X")
    folder = YamlFolder(tmp_path)
    first = folder.read().files[0]
    assert folder.read().files[0] is first


def test_a_touched_file_with_the_same_content_is_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "kind: X")
    folder = YamlFolder(tmp_path)
    first = folder.read().files[0]
    os.utime(path, (1, 1))
    assert folder.read().files[0] is first


def test_changes_additions_and_removals_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "kind: X")
    folder = YamlFolder(tmp_path)
    folder.read()
    write(tmp_path, "a.yaml", "kind: Changed")
    write(tmp_path, "b.yaml", "kind: New")
    kinds = [file.documents[0].data["kind"] for file in folder.read().files]
    assert kinds == ["Changed", "New"]
    path.unlink()
    assert [file.name for file in folder.read().files] == ["b.yaml"]


def test_a_folder_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    scan = YamlFolder(tmp_path / "gone").read()
    assert (scan.files, len(scan.findings)) == ((), 1)
    assert "expected a folder" in scan.findings[0].message


def test_paths_are_named_as_the_person_named_them(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "kind: X")
    scan = read_paths([tmp_path, path, tmp_path / "gone.yaml"])
    assert [file.name for file in scan.files] == [str(path), str(path), str(tmp_path / "gone.yaml")]
    assert scan.files[2].findings[0].message == "No such file or directory"


# PyYAML itself fails on a sign that does not exist: nothing that we wrote expects this error.
UNEXPECTED = 'a: "\\UFFFFFFFF"'


def test_an_error_that_nobody_expected_is_a_finding_of_that_file(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", UNEXPECTED)
    write(tmp_path, "b.yaml", "kind: X")
    for scan in (YamlFolder(tmp_path).read(), read_paths([tmp_path])):
        broken, good = scan.files
        assert "expected YAML that can be read" in broken.findings[0].text
        assert broken.findings[0].file == broken.name
        assert (len(good.documents), good.findings) == (1, ())


def test_sub_folders_with_yaml_are_told_of(tmp_path: Path) -> None:
    for name in ("bots", "candles", ".dantaro"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "notes.txt" if name == "candles" else "a.yaml", "kind: X")
    scan = YamlFolder(tmp_path).read()
    assert (scan.files, scan.findings) == ((), ())
    assert [note.message for note in scan.notes] == [
        "sub-folders are not read: move the YAML of bots up if it is to count"
    ]
    assert read_paths([tmp_path]).notes[0].file == str(tmp_path)
