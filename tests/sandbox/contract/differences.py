"""Where the sandbox and the description at hand may differ, and why: the only place that lets a difference pass.

The description is of 2026-08-26.dahlia; the sandbox also speaks 2026-10-28.endive, the version of the stripe package.
"""

from tests.sandbox.contract.openapi import Violation

# Endpoints that endive added: (method, path).
ENDIVE_ROUTES: frozenset[tuple[str, str]] = frozenset()
# Parameters that endive added: (method, path, parameter).
ENDIVE_PARAMETERS: frozenset[tuple[str, str, str]] = frozenset()
# Fields that Stripe sends although the description lacks them: (object, end of the field's path).
UNDESCRIBED_FIELDS: frozenset[tuple[str, str]] = frozenset()


def passes(object_type: str, violation: Violation) -> bool:
    """Whether a violation is one of the differences listed here."""
    return violation.problem == "is not in the description" and any(
        object_type == known and violation.path.endswith(end) for known, end in UNDESCRIBED_FIELDS
    )
