"""All addresses of the Stripe side."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from tests.sandbox.dashboard import customers, events, faults, invoices, money, subscriptions
from tests.sandbox.dashboard.page import STYLE

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox


def routes(sandbox: "Sandbox") -> list[Route]:
    """The routes to mount at the root of the sandbox's application."""
    pages = [page.routes(sandbox) for page in (customers, subscriptions, invoices, money, events, faults)]
    return [Route("/dashboard.css", style), *(route for some in pages for route in some)]


async def style(_: Request) -> FileResponse:
    """The stylesheet."""
    return FileResponse(STYLE, media_type="text/css")
