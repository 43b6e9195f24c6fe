"""A process that only lists: prepared objects, sent after a latency. Faster than any sandbox, so that we are measured.

It speaks HTTP on asyncio by itself, and knows `created` ranges, `starting_after` and `limit`: enough for a backfill
that cuts its windows as it goes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.sandbox.server import Sandbox

PAGE = 100
# Objects are created so many seconds apart.
APART = 60
Row = dict[str, Any]


class Listed:
    """One list, newest first; every object is kept as the text that is sent."""

    def __init__(self, path: str, template: bytes, count: int, newest: int) -> None:
        self.path, self.template, self.count, self.newest = path, template, count, newest

    def page(self, after: str, limit: int, oldest: int | None, latest: int | None) -> bytes:
        """As Stripe prints it."""
        first = int(after.rpartition("_")[2]) + 1 if after else 0
        if latest is not None:
            first = max(first, -((latest - self.newest) // APART))
        end = self.count
        if oldest is not None:
            end = min(end, max(0, (self.newest - oldest) // APART + 1))
        last = min(first + limit, end)
        rows = b",".join(self.row(number) for number in range(first, last))
        more = b"true" if last < end else b"false"
        return b'{"object": "list", "url": "%s", "has_more": %s, "data": [%s]}' % (self.path.encode(), more, rows)

    def row(self, number: int) -> bytes:
        """The template under its own ids, created in its own minute."""
        created = str(self.newest - number * APART).encode()
        return self.template.replace(b"NUMBER", b"%014d" % number).replace(b'"CREATED"', created)


class Server(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; a request is one GET without a body."""

    latency = 0.0
    lists: dict[str, Listed] = {}
    account = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new client."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request when the latency is over."""
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            target, arrived = head.split(b" ", 2)[1].decode(), time.monotonic()
            answer = self.answer(target)
            # What it took to make the answer is part of the latency, as it is with Stripe.
            wait = max(0.0, arrived + self.latency - time.monotonic())
            asyncio.get_running_loop().call_later(wait, self.transport.write, answer)

    def answer(self, target: str) -> bytes:
        """Head and body in one piece."""
        body = self.body(target)
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nRequest-Id: req_bench\r\n\r\n"
        )
        return head.encode() + body

    def body(self, target: str) -> bytes:
        """The page that is asked for; any other list is empty."""
        parts = urlsplit(target)
        if parts.path == "/v1/account":
            return self.account
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = self.lists.get(parts.path)
        if found is None or "test_clock" in given:
            return b'{"object": "list", "has_more": false, "data": []}'
        ends = [int(given[name]) if name in given else None for name in ("created[gte]", "created[lte]")]
        return found.page(given.get("starting_after", ""), int(given.get("limit", PAGE)), *ends)


def prepare(count: int) -> None:
    """So many customers and as many subscriptions, copied from one of each."""
    sandbox = Sandbox()

    def made(path: str, **values: Any) -> Row:
        return sandbox.request("POST", path, values).body

    address = {"line1": "Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    customer = made("/v1/customers", name="Ada", email="ada@example.com", phone="+49 30 1", address=address)
    product = made("/v1/products", name="Tea")
    price = made("/v1/prices", product=product["id"], currency="eur", unit_amount=900, recurring={"interval": "month"})
    items = [{"price": price["id"]}]
    subscription = made(
        "/v1/subscriptions", customer=customer["id"], items=items, collection_method="send_invoice", days_until_due=30
    )
    Server.account = json.dumps(sandbox.request("GET", "/v1/account").body).encode()
    sandbox.close()
    newest = int(time.time()) - 3600
    for path, first in (("/v1/customers", customer), ("/v1/subscriptions", subscription)):
        template = json.dumps({**first, "created": "CREATED"}, indent=2)
        for id in (customer["id"], subscription["id"], subscription["items"]["data"][0]["id"]):
            template = template.replace(id, f"{id.partition('_')[0]}_NUMBER")
        Server.lists[path] = Listed(path, template.encode(), count, newest)


async def serve() -> None:
    """Until killed."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    Server.latency = float(sys.argv[1])
    prepare(int(sys.argv[2]))
    asyncio.run(serve())
