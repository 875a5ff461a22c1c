"""What `dantaro validate` finds: every object by itself, then all of them together."""

from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_operator.core.bots import account_of, bots_in
from dantaro_operator.core.checks import Refusal
from dantaro_operator.core.fleet import find_refusals
from dantaro_operator.core.local.documents import Finding, FolderScan, Severity
from dantaro_operator.core.local.folder import read_content
from dantaro_operator.core.local.notes import idle_shares
from dantaro_operator.core.local.registry import merge_objects
from dantaro_operator.core.local.round import refusal_findings

__all__ = ["CheckResult", "check_scan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What was found.

    Attributes:
        findings: Everything that is wrong or remarkable.
        fine: `file:line: Kind/name` of every object without an error.
    """

    findings: tuple[Finding, ...]
    fine: tuple[str, ...]

    @property
    def is_fine(self) -> bool:
        """Whether there is no error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def check_scan(
    scan: FolderScan, *, is_whole: bool, now: datetime, is_live_open: bool = False
) -> CheckResult:
    """Return what is wrong with some files.

    Args:
        scan: The files.
        is_whole: Whether they are all there is: else a bot whose Allocation is not among them is no
            error.
        now: Wall time; all objects count as equally old.
        is_live_open: Whether accounts that trade live are run here.
    """
    content = read_content(scan, {})
    change = merge_objects(
        content.desired, {}, kept=(), missing_before=(), now=now, new_uid=lambda: "unstored"
    )
    refusals = find_refusals(change.objects, {}, content.wrong, is_live_open=is_live_open)
    if not is_whole:
        accounts = {item.key for item in change.objects}
        elsewhere = {b.key for b in bots_in(change.objects) if account_of(b) not in accounts}
        refusals = {key: r for key, r in refusals.items() if not _is_elsewhere(r, key in elsewhere)}
    refused = refusal_findings(refusals, content.documents)
    idle = idle_shares(change.objects, content.documents) if is_whole else []
    fine = [
        f"{document.file}:{document.line}: {item.kind}/{item.metadata.name}"
        for item in change.objects
        if item.key not in refusals and (document := content.documents.get(item.key))
    ]
    return CheckResult(findings=(*content.findings, *refused, *idle), fine=tuple(fine))


def _is_elsewhere(refusal: Refusal, account_is_missing: bool) -> bool:  # private
    return account_is_missing and refusal.reason is Reason.ALLOCATION_NOT_FOUND
