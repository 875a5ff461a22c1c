"""API version `dantaro.io/v1alpha1`.

Only constants stand here. The kinds are in `kinds`: a bot imports `common` and `strategies` from
this package and must not pay for the kinds, so nothing is re-exported eagerly, and a plain module
is easier to follow than a lazy `__getattr__`.
"""

__all__ = ["API_VERSION", "CATEGORY", "GROUP", "VERSION"]

GROUP = "dantaro.io"
"""API group of every kind."""

VERSION = "v1alpha1"
"""The one version that is served and stored."""

API_VERSION = f"{GROUP}/{VERSION}"
"""The `apiVersion` of every object."""

CATEGORY = "dantaro"
"""`kubectl get dantaro` lists every kind."""
