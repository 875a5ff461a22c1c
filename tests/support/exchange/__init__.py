"""Speaks Upbit's REST API on loopback, with books of its own and faults on command.

It is the judge of the runtime and imports nothing of it. `process.running_exchange` starts it,
`client.ExchangeClient` steers it.
"""
