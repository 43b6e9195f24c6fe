"""Staff edit → Stripe. Each family file declares its operations; importing it here puts them into the registry.

`submit` is the one path of every write, `jobs` runs an operation on many rows through the same path.
"""

from stripe_mirror.push import customers, subscriptions  # noqa: F401
