"""`make demo` as a user has it: ports, Ctrl-C, a second start over the same data, nothing left behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.browser.running_demo import ROOT, RunningDemo, eventually

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo-data")


@pytest.fixture
def demo(data: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(data, customers=12)
    yield running
    running.stop(signal.SIGTERM)


def test_it_starts_answers_and_leaves_no_process_behind(demo: RunningDemo) -> None:
    assert requests.get(f"{demo.admin}/healthz", timeout=10).json() == {"ok": True}
    assert "admin" in demo.output
    said = demo.stop(signal.SIGINT)
    assert "Traceback" not in said
    assert demo.process.returncode == 0
    assert demo.processes() == []


def test_it_takes_a_free_port_and_goes_on_with_its_data(data: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        except OSError:
            pass  # Somebody else has it, which is the case that we want.
        demo = RunningDemo(data, customers=12, port=8000)
        try:
            assert "Port 8000 is taken" in demo.output
            assert not demo.admin.endswith(":8000")
            assert "Mirroring the company" not in demo.output
            assert requests.get(f"{demo.admin}/healthz", timeout=10).ok
            customer = demo.truth("customer")[0]["id"]
            demo.post(f"/v1/customers/{customer}", name="After the restart")
            eventually(lambda: delivered(demo, customer), what="the event's delivery")
        finally:
            demo.stop()


def delivered(demo: RunningDemo, customer: str) -> bool:
    events = demo.get("/v1/events", type="customer.updated")["data"]
    return any(e["data"]["object"]["id"] == customer and e["pending_webhooks"] == 0 for e in events)


def test_a_second_one_over_the_same_data_is_refused_with_a_sentence(demo: RunningDemo, data: Path) -> None:
    second = subprocess.run(
        [sys.executable, "manage.py", "demo", "--data", str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode != 0
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_killed_demo_takes_its_processes_with_it(data: Path) -> None:
    demo = RunningDemo(data, customers=12)
    demo.stop(signal.SIGKILL)
    eventually(lambda: demo.processes() == [], what="the end of all its processes")


def test_reset_forgets_the_data(data: Path) -> None:
    subprocess.run([sys.executable, "manage.py", "demo", "--data", str(data), "--reset"], cwd=ROOT, check=True)
    assert not data.exists()
