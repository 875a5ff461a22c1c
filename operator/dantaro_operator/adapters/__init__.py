"""The world of local mode: YAML files, the state folder, processes, the bots' status pages."""

__all__: list[str] = []
