"""The sandbox on the network: a Starlette application that decodes, applies faults, and answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
import traceback
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.sandbox import admin
from tests.sandbox.dashboard import routes as dashboard
from tests.sandbox.errors import StripeError
from tests.sandbox.faults import Plan
from tests.sandbox.forms import decode_form
from tests.sandbox.server import Reply, Sandbox

TICK_SECONDS = 0.5
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
_transports: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with the connections at hand, so that a fault can cut one without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Head and body are two writes: without this each answer waits 40 ms for the client's delayed ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = transport.get_extra_info("peername")[:2]
        _transports[self.peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        _transports.pop(self.peer, None)


class Api:
    """The ASGI endpoint of `/v1/…`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            encoded = [scope["query_string"].decode(), (await request.body()).decode()]
            sent = decode_form("&".join(filter(None, encoded)))
            plan = self.sandbox.faults.for_request(request.method, scope["path"])
            reply = await self._reply(request, sent, plan)
        except StripeError as error:
            reply, plan = Reply(error.status, {}, error.body("req_undecodable")), Plan()
        plan.bend(reply.body)
        if plan.lose_answer:
            await hang_up(scope)
            return
        await self._response(reply)(scope, receive, send)

    async def _reply(self, request: Request, sent: dict[str, Any], plan: Plan) -> Reply:
        sandbox, headers = self.sandbox, dict(request.headers)
        method, path = request.method, scope_path(request.scope)
        if plan.refusal is not None:
            await self._wait(plan)
            return sandbox.reject(method, path, sent, plan.refusal, headers=headers)
        call = sandbox.begin(method, path, sent, headers=headers)
        await self._wait(plan)
        return call if isinstance(call, Reply) else sandbox.finish(call, fail_after=plan.refusal_after_work)

    async def _wait(self, plan: Plan) -> None:
        """As long as the faults say, or until they are removed."""
        end = time.monotonic() + plan.wait
        while (left := end - time.monotonic()) > 0 and self.sandbox.faults.hold(plan):
            await asyncio.sleep(min(left, 0.02))

    def _response(self, reply: Reply) -> Response:
        headers = {"Date": formatdate(self.sandbox.now(), usegmt=True), "Server": "sandbox", **reply.headers}
        content = json.dumps(reply.body, separators=(",", ":"))
        return Response(content, reply.status, headers, media_type="application/json")


def scope_path(scope: Scope) -> str:
    """The path as sent, still quoted (an id may hold a quoted slash)."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode().partition("?")[0]


async def hang_up(scope: Scope) -> None:
    """Close the connection without an answer."""
    transport = _transports.get(tuple(scope["client"]))
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0.02)


def application(sandbox: Sandbox) -> Starlette:
    """The whole application: the API, the admin routes, and the "Stripe side" web page."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ticker = asyncio.create_task(_tick(sandbox))
        yield
        ticker.cancel()

    api: list[BaseRoute] = [Route("/v1/{path:path}", Api(sandbox), methods=METHODS)]
    return Starlette(routes=[*api, *admin.routes(sandbox), *dashboard.routes(sandbox)], lifespan=lifespan)


def server_config(sandbox: Sandbox) -> uvicorn.Config:
    """How uvicorn serves the sandbox; a request that hangs holds up the end for a second at most."""
    return uvicorn.Config(
        application(sandbox),
        http=Protocol,
        log_level="critical",
        access_log=False,
        date_header=False,  # ours says the sandbox's time
        server_header=False,
        timeout_graceful_shutdown=1,
    )


async def _tick(sandbox: Sandbox) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            sandbox.tick()
        except Exception:  # one bad timer must not stop the clock
            traceback.print_exc()
