"""A process that only lists: prepared pages, sent after a latency. Faster than any sandbox, so that we are measured."""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.sandbox.server import Sandbox

PAGE = 100
Row = dict[str, Any]


class Lists(BaseHTTPRequestHandler):
    """GET of a page by `starting_after`; any other list is empty."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one piece: two would wait for each other's acknowledgement.
    wbufsize = -1
    latency = 0.0
    answers: dict[tuple[str, str], bytes] = {}

    def do_GET(self) -> None:
        """One page."""
        time.sleep(self.latency)
        parts = urlsplit(self.path)
        after = parse_qs(parts.query).get("starting_after", [""])[0]
        body = self.answers.get((parts.path, after)) or listed(parts.path, [], more=False)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", "req_bench")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def listed(path: str, rows: list[Row], *, more: bool) -> bytes:
    """A page as Stripe prints it."""
    return json.dumps({"object": "list", "url": path, "has_more": more, "data": rows}, indent=2).encode()


def pages(path: str, rows: list[Row]) -> dict[tuple[str, str], bytes]:
    """Every page of a list, by the id that it starts after."""
    found = {}
    for start in range(0, len(rows), PAGE):
        after = str(rows[start - 1]["id"]) if start else ""
        found[path, after] = listed(path, rows[start : start + PAGE], more=start + PAGE < len(rows))
    return found


def prepared(count: int) -> dict[tuple[str, str], bytes]:
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
    account = sandbox.request("GET", "/v1/account").body
    sandbox.close()
    customers = [{**customer, "id": f"cus_{n:014}", "email": f"c{n}@example.com"} for n in range(count)]
    subscriptions = [subscription_of(subscription, n) for n in range(count)]
    lists = pages("/v1/customers", customers) | pages("/v1/subscriptions", subscriptions)
    return lists | {("/v1/account", ""): json.dumps(account).encode()}


def subscription_of(first: Row, number: int) -> Row:
    """A copy with ids of its own, down to its item."""
    items = first["items"]
    item = {**items["data"][0], "id": f"si_{number:014}", "subscription": f"sub_{number:014}"}
    return {
        **first,
        "id": f"sub_{number:014}",
        "customer": f"cus_{number:014}",
        "items": {**items, "data": [item]},
    }


if __name__ == "__main__":
    Lists.latency = float(sys.argv[1])
    Lists.answers = prepared(int(sys.argv[2]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    print(server.server_address[1], flush=True)
    server.serve_forever()
