"""The operator: plans workloads of bots, writes their status, runs them on one machine."""

__all__: list[str] = []
