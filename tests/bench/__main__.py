"""`make bench`: print every figure beside its goal."""

from pathlib import Path

from tests.bench.central import measure_central
from tests.bench.import_cost import measure_imports
from tests.bench.live import print_live
from tests.bench.local_mode import ROOT, measure_memory, measure_replay, measure_start
from tests.bench.strategies import StepTimes, measure_grid, measure_strategies

GOALS = {"row": 5.0, "order": 10.0, "bot": 56.0, "central": 110.0, "replay": 300.0}
"""Seconds, MiB: what the figures are to reach."""

STEP_GOALS = {"grid of 100": 1.0, "any": 2.0, "engine": 5.0}
"""Milliseconds of a step, seconds of a month through the engine."""


def main() -> None:
    """Measure and print."""
    print("a bot's imports: MiB and ms, each on top of those before it (the last: mode Live only):")
    for each in measure_imports():
        print(f"  {each.name:48} {each.mib:6.1f} {each.ms:6.0f}")
    print("start of local mode, seconds:")
    start = measure_start()
    print(f"  first row {start['row']:.1f} (goal {GOALS['row']}), ", end="")
    print(f"first paper order {start['order']:.1f} (goal {GOALS['order']})")
    print("resident memory after 1,000 ticks, MiB:")
    for name, size in sorted(measure_memory().items()):
        goal = GOALS["central" if "central" in name else "bot"]
        print(f"  {name:48} {size:6.1f} (goal {goal})")
    print("a live bot on the exchange emulator:")
    print_live()
    candles = ROOT.parent / "shared" / "data" / "candles" / "upbit"
    print("30 days of one-minute candles, four markets, four bots, --speed max, seconds:")
    if candles.exists():
        print(f"  {measure_replay(candles):.1f} (goal {GOALS['replay']})")
        print("central alone, the same candles:")
        figures = measure_central(candles)
        print("  ready {ready:.1f} s, replay {replay:.1f} s, {memory:.0f} MiB,".format(**figures))
        print("  {pages:.0f} pages in {pull:.1f} s, one full page {page:.1f} ms".format(**figures))
        print_strategies()
    else:
        print(f"  not measured: there are no recorded candles at {Path('..', 'shared')}")


def print_strategies() -> None:
    """Measure and print steps and the engine alone, without I/O, over a recorded month."""
    print("step of a strategy, median ms: from a fill to its last answer; a candle without a fill:")
    times, seconds = measure_grid()
    print_step("grid of 100", times)
    for name, steps in measure_strategies().items():
        print_step(name, steps)
    print(
        f"30 days through the engine of that grid of 100, without I/O, seconds:\n  {seconds:.1f}",
        end="",
    )
    print(f" (goal {STEP_GOALS['engine']})")


def print_step(name: str, times: StepTimes) -> None:
    """Print the steps of one replay beside their goal."""
    goal = STEP_GOALS.get(name, STEP_GOALS["any"])
    print(
        f"  {name:12} {times.at_fill:6.2f} ({len(times.fills)} fills) {times.at_rest:6.2f}", end=""
    )
    print(f" (goal {goal})")


if __name__ == "__main__":
    main()
