"""What was measured: one figure per line, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    bench: str
    database: str
    case: str
    name: str
    value: float
    unit: str


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of the values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def show(figures: Sequence[Figure]) -> None:
    """As a table."""
    table = Table("bench", "database", "case", "figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for one in figures:
        table.add_row(one.bench, one.database, one.case, one.name, f"{one.value:,.1f}", one.unit)
    Console(width=120).print(table)


def save(figures: Sequence[Figure], folder: Path, *, quick: bool) -> Path:
    """As a JSON file named for the time, for comparing series."""
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    content = {"at": now.isoformat(), "quick": quick, "machine": machine, "figures": [asdict(one) for one in figures]}
    path = folder / f"{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
