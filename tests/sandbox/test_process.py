"""The sandbox as a process: one ready line, its state in a snapshot, a webhook endpoint from the environment."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.sandbox.conftest import SECRET, Receiver, subscribe
from tests.sandbox.server import Sandbox
from tests.sandbox.testing import RunningSandbox, SandboxProcess

DAY = 86400


def test_state_outlives_the_process(tmp_path: Path) -> None:
    arguments = ("--empty", "--snapshot", str(tmp_path / "state.json"))
    with SandboxProcess(*arguments) as process:
        customer = process.post("/v1/customers", name="Ann", headers={"Idempotency-Key": "k"})
        process.advance(10 * DAY)
        now = process.admin("GET", "/state")["clock"]["now"]
        assert process.close() == 0
    with SandboxProcess(*arguments) as process:
        assert process.get(f"/v1/customers/{customer['id']}") == customer
        assert process.admin("GET", "/state")["clock"]["now"] >= now
        assert process.post("/v1/customers", name="Bob")["id"] != customer["id"]


def test_process_ends_promptly_although_a_receiver_does_not_answer(tmp_path: Path) -> None:
    environment = {"SANDBOX_WEBHOOK_URL": "http://127.0.0.1:9/", "SANDBOX_WEBHOOK_SECRET": SECRET}
    with SandboxProcess("--empty", environment=environment) as process:
        process.post("/v1/customers")
        start = time.monotonic()
        assert process.close() == 0
        assert time.monotonic() - start < 3


def test_endpoint_of_the_environment_replaces_itself(tmp_path: Path) -> None:
    receiver = Receiver()
    environment = {"SANDBOX_WEBHOOK_URL": receiver.url, "SANDBOX_WEBHOOK_SECRET": SECRET}
    arguments = ("--empty", "--snapshot", str(tmp_path / "state.json"))
    for _ in range(2):
        with SandboxProcess(*arguments, environment=environment) as process:
            process.post("/v1/customers")
            process.drain_deliveries()
            assert len(process.get("/v1/webhook_endpoints")["data"]) == 1
    assert receiver.types() == ["customer.created"] * 2
    receiver.close()


def test_snapshot_holds_everything_and_time_goes_on_from_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    first = Sandbox(seed=3)
    with RunningSandbox(first) as running:
        subscription = subscribe(running)
        first.snapshot(path)
    second = Sandbox(seed=3)
    second.load(path)
    for name in first.tables:
        assert second.objects(name) == first.objects(name)
    for sandbox in (first, second):
        sandbox.advance(40 * DAY)
    assert json.dumps(second.objects("invoice")) == json.dumps(first.objects("invoice"))
    assert len(second.objects("invoice")) == 2
    assert second.request("GET", f"/v1/subscriptions/{subscription['id']}").body["status"] == "active"


def test_reset_empties_everything(running: RunningSandbox) -> None:
    first = running.post("/v1/customers")["id"]
    running.admin("POST", "/reset")
    counts = running.admin("GET", "/state")["counts"]
    assert set(counts.values()) == {0}
    assert running.post("/v1/customers")["id"] == first
