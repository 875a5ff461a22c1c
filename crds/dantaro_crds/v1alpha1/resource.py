"""What makes a model a kind: its envelope, names and printer columns; reading and writing one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.v1alpha1.metadata import ObjectMeta
from dantaro_crds.v1alpha1.rule import Rule

__all__ = ["KindInfo", "PrinterColumn", "Resource", "column", "dump", "parse"]

_STEP = re.compile(r"""\.(\w+)(?:\[\?\(@\.(\w+)=="(\w+)"\)\])?""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterColumn:
    """A column of `kubectl get` and of the local tables.

    Attributes:
        name: Title; tables print it in capitals.
        type: `string`, `integer` or `date`. A date prints as the time since. Decimals are strings.
        json_path: Where the value lies, such as `.status.pnl.total` or
            `.status.conditions[?(@.type=="Ready")].status`.
        priority: 0 is always shown, 1 with `-o wide`.
        description: One sentence.
    """

    name: str
    type: str
    json_path: str
    priority: int = 0
    description: str

    def value(self, document: Mapping[str, Any]) -> Any:
        """Return what the path finds in an object's JSON, or None."""
        found: Any = document
        for key, filter_key, wanted in _STEP.findall(self.json_path):
            found = _get(found, key)
            if filter_key:
                items = found if isinstance(found, list) else ()
                found = next((i for i in items if _get(i, filter_key) == wanted), None)
        return found


def _get(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, Mapping) else None


def column(
    name: str, json_path: str, description: str, *, kind: str = "string", wide: bool = False
) -> PrinterColumn:
    """Return a printer column in fewer words; `wide` shows it with `-o wide` only."""
    return PrinterColumn(
        name=name, type=kind, json_path=json_path, priority=int(wide), description=description
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInfo:
    """Names, columns and rules of a kind.

    Attributes:
        plural: Resource name of the API, lower case.
        short_names: What may be typed instead.
        columns: Printer columns, in order.
        rules: Rules across fields.
    """

    plural: str
    short_names: tuple[str, ...]
    columns: tuple[PrinterColumn, ...]
    rules: tuple[Rule, ...]


class Resource(Model):
    """Envelope of every kind."""

    info: ClassVar[KindInfo]

    api_version: str = API_VERSION
    """Always `dantaro.io/v1alpha1`."""
    kind: str
    """Name of the kind."""
    metadata: ObjectMeta
    """Who the object is."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name: what no two objects share."""
        return (self.kind, self.metadata.namespace, self.metadata.name)


R = TypeVar("R", bound=Resource)


def parse(kind: type[R], data: Mapping[str, Any]) -> R:
    """Read an object leniently: unknown fields are ignored (an old process meets a new CRD).

    Rules across fields are not looked at: the API server or `schema.validation.validate` did that.

    Raises:
        SpecError: A known field cannot be read; `field` names the first.
    """
    try:
        return kind.model_validate(dict(data), extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        raise SpecError(f"{field}: {text}", field=field, code="SpecInvalid") from error


def dump(model: Model) -> dict[str, Any]:
    """Return the JSON of a model: camelCase, decimals and times as text, absent fields left out."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
