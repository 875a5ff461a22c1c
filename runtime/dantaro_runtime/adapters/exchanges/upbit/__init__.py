"""Upbit's REST API: signing, messages, limits, client, venue."""

__all__: list[str] = []
