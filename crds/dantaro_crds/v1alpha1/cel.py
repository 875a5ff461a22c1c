"""CEL that orders decimal texts exactly, as Python orders the same numbers.

`double()` would call numbers equal that differ after 15 to 17 digits, and `quantity()` those that
differ below 1e-9: the API server and `validate` would then tell an author different things. Here
the whole part is compared as an integer (18 digits fit), the fraction without its trailing zeros as
text.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

__all__ = ["DecimalText"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecimalText:
    """A decimal >= 0 in CEL, split so that it can be ordered.

    Attributes:
        whole: CEL of the whole part, an integer.
        fraction: CEL of the fraction with its point and without trailing zeros, a string.
    """

    whole: str
    fraction: str

    @classmethod
    def of_field(cls, path: str) -> Self:
        """Return the number that a field holds, such as `self.lowerPrice`; it must be there."""
        return cls(whole=f"int({path}.find('^[0-9]+'))", fraction=f"{path}.find('[.][0-9]*[1-9]')")

    @classmethod
    def of_number(cls, value: Decimal) -> Self:
        """Return a constant >= 0."""
        whole, _, digits = format(value, "f").partition(".")
        digits = digits.rstrip("0")
        return cls(whole=whole, fraction=f"'.{digits}'" if digits else "''")

    def is_below(self, other: "DecimalText") -> str:
        """Return CEL that is true when this number is less than the other."""
        if other.fraction == "''":
            return f"({self.whole} < {other.whole})"
        return (
            f"({self.whole} < {other.whole} || ({self.whole} == {other.whole}"
            f" && {self.fraction} < {other.fraction}))"
        )
