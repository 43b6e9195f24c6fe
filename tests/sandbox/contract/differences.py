"""Where the sandbox and the description at hand may differ, and why: the only place that lets a difference pass.

The description is of 2026-08-26.dahlia; the sandbox also speaks 2026-10-28.endive, the version of the stripe package.
"""

from tests.sandbox.contract.openapi import Violation

# Endpoints that endive added: (method, path).
ENDIVE_ROUTES: frozenset[tuple[str, str]] = frozenset()
# Parameters that endive added: (method, path, parameter).
ENDIVE_PARAMETERS: frozenset[tuple[str, str, str]] = frozenset()
# Stripe takes `expand` with every request; the description leaves it out of those that delete.
EVERYWHERE = ("DELETE", "expand.*")
# Fields that Stripe sends although the description lacks them: (object, end of the field's path).
UNDESCRIBED_FIELDS: frozenset[tuple[str, str]] = frozenset()


def takes(method: str, path: str, parameter: str) -> bool:
    """Whether a parameter that the description lacks is one of the differences listed here."""
    return (method, path, parameter) in ENDIVE_PARAMETERS or (method, parameter) == EVERYWHERE


def passes(object_type: str, violation: Violation) -> bool:
    """Whether a violation is one of the differences listed here."""
    return violation.problem == "is not in the description" and any(
        object_type == known and violation.path.endswith(end) for known, end in UNDESCRIBED_FIELDS
    )
