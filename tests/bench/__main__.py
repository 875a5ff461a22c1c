"""`make bench`: print every figure beside its goal."""

from pathlib import Path

from tests.bench.central import measure_central
from tests.bench.import_cost import measure_imports
from tests.bench.local_mode import ROOT, measure_memory, measure_replay, measure_start

GOALS = {"row": 5.0, "order": 10.0, "bot": 56.0, "central": 110.0, "replay": 300.0}
"""Seconds, MiB: what the figures are to reach."""


def main() -> None:
    """Measure and print."""
    print("memory of a bot's imports, MiB:")
    for name, size in measure_imports().items():
        print(f"  {name:32} {size:6.1f}")
    print("start of local mode, seconds:")
    start = measure_start()
    print(f"  first row {start['row']:.1f} (goal {GOALS['row']}), ", end="")
    print(f"first paper order {start['order']:.1f} (goal {GOALS['order']})")
    print("resident memory after 1,000 ticks, MiB:")
    for name, size in sorted(measure_memory().items()):
        goal = GOALS["central" if "central" in name else "bot"]
        print(f"  {name:48} {size:6.1f} (goal {goal})")
    candles = ROOT.parent / "shared" / "data" / "candles" / "upbit"
    print("30 days of one-minute candles, four markets, four bots, --speed max, seconds:")
    if candles.exists():
        print(f"  {measure_replay(candles):.1f} (goal {GOALS['replay']})")
        print("central alone, the same candles:")
        figures = measure_central(candles)
        print("  ready {ready:.1f} s, replay {replay:.1f} s, {memory:.0f} MiB,".format(**figures))
        print("  {pages:.0f} pages in {pull:.1f} s, one full page {page:.1f} ms".format(**figures))
    else:
        print(f"  not measured: there are no recorded candles at {Path('..', 'shared')}")


if __name__ == "__main__":
    main()
