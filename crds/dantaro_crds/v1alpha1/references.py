"""Names of other objects in the same namespace, and amounts in Kubernetes' notation."""

from typing import Annotated

from pydantic import Field

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import NAME_PATTERN

__all__ = [
    "CURRENCY_PATTERN",
    "EXCHANGE_PATTERN",
    "NAMESPACE_PATTERN",
    "QUANTITY_PATTERN",
    "SUBDOMAIN_PATTERN",
    "Name",
    "NameReference",
    "Quantity",
    "SecretReference",
]

Name = Annotated[str, Field(min_length=1, max_length=49, pattern=NAME_PATTERN)]
"""Name of a bot or an Allocation."""

EXCHANGE_PATTERN = r"^[a-z][a-z0-9]*$"
"""`paper`, `upbit` or the id of a ccxt exchange."""

CURRENCY_PATTERN = r"^[A-Z0-9]{1,10}$"
"""A currency as venues write it: `KRW`, `USDT`."""

NAMESPACE_PATTERN = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"
"""A namespace; empty means that of the request."""

SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
"""A DNS subdomain: the name of a Secret."""

QUANTITY_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
"""The part of Kubernetes' notation for amounts that makes sense for a small process."""

Quantity = Annotated[str, Field(max_length=20, pattern=QUANTITY_PATTERN)]
"""An amount of a machine's resource, as text: `100m`, `64Mi`, `1Gi`."""


class NameReference(Model):
    """An object in the same namespace."""

    name: Name
    """Its name."""


class SecretReference(Model):
    """A Secret in the same namespace."""

    name: str = Field(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)
    """Its name."""
