"""The project's settings with one address and no middleware, for the floor."""

from backoffice.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.floor"
MIDDLEWARE: list[str] = []
