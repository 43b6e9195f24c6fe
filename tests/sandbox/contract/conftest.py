"""The description, an account with one of everything, and the seeded company."""

from collections.abc import Iterator

import pytest

from tests.sandbox.contract.account import Account
from tests.sandbox.contract.openapi import Spec, load, spec_path
from tests.sandbox.seed import seed
from tests.sandbox.server import Sandbox


@pytest.fixture(scope="session")
def spec() -> Spec:
    """Stripe's description; without it there is nothing to compare with."""
    path = spec_path()
    if not path.exists():
        pytest.skip(f"Stripe's OpenAPI description is not at {path}; STRIPE_OPENAPI may name another place.")
    return load(path)


@pytest.fixture
def account() -> Iterator[Account]:
    """A small account, new for each test."""
    sandbox = Sandbox(seed=7)
    yield Account(sandbox)
    sandbox.close()


@pytest.fixture(scope="session")
def company() -> Iterator[Sandbox]:
    """The company that the demo shows; tests only read it."""
    sandbox = Sandbox(seed=1)
    seed(sandbox)
    # Nothing is sent to it: the company only changes while it is seeded.
    sandbox.add_endpoint("https://example.com/hooks/", "whsec_" + "contract")
    yield sandbox
    sandbox.close()
