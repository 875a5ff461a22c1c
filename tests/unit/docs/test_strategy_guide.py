"""The strategy guide against the code: its YAML, its parameters, its links and pictures."""

import re
from decimal import Decimal
from enum import Enum
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.v1alpha1.strategies import (
    AiStrategy,
    BreakoutStrategy,
    GridParameters,
    SignalStrategy,
    StagedStrategy,
)
from dantaro_crds.values import decimal_text
from dantaro_operator.cli import main

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = DOCS / "guide" / "strategies.md"
PARTS = re.split(r"^## (.+)\n", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
SECTIONS = dict(zip(PARTS[::2], PARTS[1::2], strict=True))
MODELS: dict[str, type[Model]] = {
    "Grid": GridParameters,
    "Staged": StagedStrategy,
    "Signal": SignalStrategy,
    "Breakout": BreakoutStrategy,
    "AI": AiStrategy,
}
PICTURES = [f"strategy-{name.lower()}.svg" for name in MODELS]


def documents(section: str) -> list[str]:
    return re.findall(r"^```yaml\n(.+?)^```", section, flags=re.MULTILINE | re.DOTALL)


def default_text(model: type[Model], field: str) -> str:
    info = model.model_fields[field]
    if info.is_required():
        return "required"
    value = info.default
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    return f"`{decimal_text(Decimal(value))}`"


@pytest.mark.parametrize("name", MODELS)
def test_every_example_passes_validate(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (account,) = documents(SECTIONS["What holds for all"])
    (bot,) = documents(SECTIONS[name])
    (tmp_path / "account.yaml").write_text(account)
    (tmp_path / "bot.yaml").write_text(bot)
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(tmp_path)])
    assert ended.value.code == 0, capsys.readouterr().out
    assert "bot.yaml:1" in capsys.readouterr().out


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_is_named_with_its_default(name: str) -> None:
    table = SECTIONS[name].split("| Parameter | Default | Meaning |")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", table, flags=re.MULTILINE)
    model = MODELS[name]
    want = [(info.alias, default_text(model, key)) for key, info in model.model_fields.items()]
    assert rows == want


def test_every_link_of_the_guide_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", GUIDE.read_text(encoding="utf-8"))
    assert {f"../images/{picture}" for picture in PICTURES} < set(links)
    for link in links:
        path, _, anchor = link.partition("#")
        page = (GUIDE.parent / path).resolve() if path else GUIDE
        assert page.is_file(), link
        assert not anchor or anchor in anchors(page), link


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_small_and_calls_nobody(picture: str) -> None:
    path = DOCS / "images" / picture
    text = path.read_text(encoding="ascii")
    assert path.stat().st_size < 100_000
    assert "prefers-color-scheme: dark" in text
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
    assert tags <= {"svg", "title", "style", "rect", "text", "line", "path"}
    assert re.findall(r"href|url\(|@import|@font-face", text) == []
