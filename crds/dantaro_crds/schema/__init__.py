"""From the models to everything that says what an object may hold.

Pure but for `__main__`: structural schemas, CRD manifests, the reference page, and the validation
that local mode does in place of an API server. Only operator and local mode import this, no bot.
"""

__all__: list[str] = []
