"""Which columns say something about a person: whoever may not see personal data gets a mask in their place.

The permission is `stripe_mirror.view_pii`. The rule goes by Stripe's names, so that a new column of a new kind is
masked by itself; what a shop says about what it sells is nobody's personal data.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Model

PERMISSION = "stripe_mirror.view_pii"
# Contact data, cards and accounts, and free text, in which staff and customers write what they like.
PERSONAL = re.compile(
    r"(^|_)(email|phone|address|postal_code|line1|line2|city|last4|fingerprint|exp_month|exp_year|iban|description|memo"
    r"|metadata|client_reference_id)$|^(customer|verified|billing|shipping)_name$"
)
# Kinds that belong to no person, by their model's name.
IMPERSONAL = frozenset({"product", "price", "coupon", "promotioncode", "taxrate", "payout"})
# What the names above don't say, by model: what Stripe calls alike elsewhere.
MORE: dict[str, frozenset[str]] = {
    "customer": frozenset({"name"}),
    "taxid": frozenset({"value"}),
    # What a push changed and sent holds customers' data; who asked for it is staff.
    "push": frozenset({"before", "after", "changes", "sent", "message"}),
}


def is_personal(model: type[Model], name: str) -> bool:
    """Whether a column of the model's resource is personal."""
    model_name = str(model._meta.model_name)
    if name in MORE.get(model_name, ()):
        return True
    return model_name not in IMPERSONAL and PERSONAL.search(name) is not None


def sees_personal(user: Any) -> bool:
    """Whether this person may see personal data in exports."""
    return bool(user.has_perm(PERMISSION))
