"""Draws the README's picture from a real run: `make picture`."""

import io
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.support.processes import command_path

__all__ = ["main"]

ROOT = Path(__file__).parents[2]
_SECONDS = 45


def main() -> int:
    """Run the quickstart at 900 times the market's speed and save its last table as SVG."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made) / "01-quickstart"
        shutil.copytree(ROOT / "examples" / "01-quickstart", folder)
        process = subprocess.Popen(
            [command_path("dantaro"), "up", str(folder), "--plain", "--speed", "900"],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(_SECONDS)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    blocks = [block for block in output.split("\n\n") if "PHASE" in block and "Running" in block]
    console = Console(record=True, width=112, file=io.StringIO())
    clock, _, title = blocks[-1].partition(" ")
    shown = Text(title)
    shown.highlight_words(["Running"], style="green")
    shown.highlight_regex(r"(?m)^NAME.*$", style="dim")
    shown.highlight_regex(r"(?m)\A.*$", style="bold")
    console.print(shown)
    picture = ROOT / "docs" / "images" / "quickstart.svg"
    drawing = console.export_svg(title="dantaro up examples/01-quickstart")
    # Without the web fonts: a page that shows the picture must not call anybody.
    drawing = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", drawing, flags=re.DOTALL)
    picture.write_text(drawing)
    print(f"drawn at {clock}: {picture.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
