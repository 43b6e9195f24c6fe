"""What a good call of an endpoint is: the ids for its path and its parameters."""

from collections.abc import Callable
from typing import Any

from tests.sandbox.contract.account import Account

Prepared = tuple[tuple[str, ...], dict[str, Any]]
Prepare = Callable[[Account], Prepared]
ADDRESS = {"line1": "1 Quay", "line2": "B", "city": "Cork", "state": "CO", "postal_code": "T12", "country": "IE"}
