"""The sandbox's own routes under `/_sandbox/`: the truth, the clock, faults, deliveries. No key needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.sandbox.errors import StripeError
from tests.sandbox.happenings import happen
from tests.sandbox.server import Sandbox

Answer = tuple[int, Any]


def routes(sandbox: Sandbox) -> list[Route]:
    """All admin routes."""
    own = Admin(sandbox)
    return [
        _route("GET", "/state", own.state),
        _route("GET", "/objects/{object_type}", own.objects),
        _route("GET", "/requests", own.requests),
        _route("DELETE", "/requests", own.forget_requests),
        _route("POST", "/reset", own.reset),
        _route("POST", "/clock", own.clock),
        _route("GET", "/faults", own.faults),
        _route("POST", "/faults", own.add_fault),
        _route("DELETE", "/faults", own.clear_faults),
        _route("DELETE", "/faults/{id:int}", own.clear_faults),
        _route("POST", "/endpoints", own.add_endpoint),
        _route("GET", "/deliveries", own.deliveries),
        _route("POST", "/deliveries/flush", own.flush),
        _route("POST", "/events/redeliver", own.redeliver),
        _route("POST", "/happenings/{happening}", own.happen),
        _route("POST", "/snapshot", own.snapshot),
    ]


def _route(method: str, path: str, handler: Callable[[dict[str, Any]], Answer]) -> Route:
    async def endpoint(request: Request) -> JSONResponse:
        body = await request.body()
        try:
            given = {**request.query_params, **request.path_params, **(json.loads(body) if body else {})}
            status, answer = await run_in_threadpool(handler, given)
        except (ValueError, TypeError, KeyError) as error:
            status, answer = 400, {"error": f"{type(error).__name__}: {error}. Nothing was changed."}
        return JSONResponse(answer, status)

    return Route("/_sandbox" + path, endpoint, methods=[method], name=f"{method} {path}")


class Admin:
    """The handlers; each takes query, path and JSON values together."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def state(self, _: dict[str, Any]) -> Answer:
        sandbox = self.sandbox
        with sandbox.lock:
            counts = {name: len(table.rows) for name, table in sandbox.tables.items()}
        return 200, {
            "counts": counts,
            "clock": {"now": sandbox.now(), **sandbox.clock.dump()},
            "faults": sandbox.faults.list(),
            "pending_deliveries": sandbox.deliveries.pending(),
            "moving_deliveries": sandbox.deliveries.moving(),
            "held_deliveries": len(sandbox.deliveries.held),
            "account": sandbox.account_id,
            "livemode": sandbox.livemode,
            "api_version": sandbox.api_version,
            "requests": sandbox.request_count,
        }

    def objects(self, given: dict[str, Any]) -> Answer:
        object_type = given["object_type"]
        if object_type not in self.sandbox.tables:
            return 404, {"error": f"No kind {object_type!r}; there are {sorted(self.sandbox.tables)}."}
        return 200, {"data": self.sandbox.objects(object_type)}

    def requests(self, given: dict[str, Any]) -> Answer:
        since = int(given.get("since", 0))
        return 200, {"data": [entry for entry in list(self.sandbox.requests) if entry["n"] > since]}

    def forget_requests(self, _: dict[str, Any]) -> Answer:
        self.sandbox.requests.clear()
        return 200, {}

    def reset(self, _: dict[str, Any]) -> Answer:
        self.sandbox.reset()
        return 200, {}

    def clock(self, given: dict[str, Any]) -> Answer:
        if "advance" in given:
            self.sandbox.advance(int(given["advance"]))
        else:
            self.sandbox.advance_to(int(given["set"]))
        return 200, {"now": self.sandbox.now()}

    def faults(self, _: dict[str, Any]) -> Answer:
        return 200, {"data": self.sandbox.faults.list()}

    def add_fault(self, given: dict[str, Any]) -> Answer:
        return 200, self.sandbox.faults.add(**given)

    def clear_faults(self, given: dict[str, Any]) -> Answer:
        self.sandbox.faults.remove(int(given["id"]) if "id" in given else None)
        return 200, {"data": self.sandbox.faults.list()}

    def add_endpoint(self, given: dict[str, Any]) -> Answer:
        wishes = {"api_version": given.get("api_version"), "events": given.get("events", "*")}
        return 200, self.sandbox.add_endpoint(given["url"], given["secret"], **wishes)

    def deliveries(self, _: dict[str, Any]) -> Answer:
        deliveries = self.sandbox.deliveries
        held = [
            {"event": held.event_id, "type": held.event_type, "endpoint": held.endpoint_id} for held in deliveries.held
        ]
        return 200, {"data": list(deliveries.log), "held": held, "pending": deliveries.pending()}

    def flush(self, given: dict[str, Any]) -> Answer:
        return 200, {"sent": self.sandbox.deliveries.flush(shuffle=bool(given.get("shuffle")))}

    def redeliver(self, given: dict[str, Any]) -> Answer:
        return 200, {"sent": self.sandbox.redeliver(list(given["ids"]))}

    def happen(self, given: dict[str, Any]) -> Answer:
        try:
            return 200, happen(self.sandbox, given.pop("happening"), **given)
        except StripeError as error:
            return 400, {"error": f"{error.message}. Nothing was changed."}

    def snapshot(self, given: dict[str, Any]) -> Answer:
        path = given.get("path") or self.sandbox.snapshot_path
        if path is None:
            return 400, {"error": "The sandbox was started without --snapshot. Nothing was written; send a path."}
        self.sandbox.snapshot(path)
        return 200, {"path": str(path)}
