"""Charts as shapes of an SVG: pure geometry, drawn by a template, without a library and without a script.

The shapes are stretched to the width of the page; all text stands beside them in HTML and keeps its size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.utils.functional import Promise

WIDTH, HEIGHT = 1000, 200
# Of the room of a bar, the share that it fills.
FILLED = 0.72
STEPS = (1, 2, 5, 10)
LINES = 4


@dataclass(frozen=True)
class Series:
    """Values of one colour, one per bucket; negative ones hang below zero."""

    key: str
    label: str | Promise
    values: Sequence[int]


@dataclass(frozen=True)
class Bar:
    """A rectangle."""

    css: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Hit:
    """The room of one bucket, with what is said while one points at it."""

    x: str
    width: str
    text: str


@dataclass(frozen=True)
class Chart:
    """What the template draws."""

    bars: list[Bar]
    # A line and the area below it.
    line: str
    area: str
    # The labels of the horizontal lines, the highest first, and where these are.
    ticks: list[str]
    grid: list[str]
    zero: str
    labels: list[str]
    hits: list[Hit]


Say = Callable[[int], str]


def bars(series: Sequence[Series], labels: Sequence[str], *, say: Say, tick: Say) -> Chart:
    """Stacked bars: what is positive stands on zero, what is negative hangs from it."""
    columns = list(zip(*(one.values for one in series), strict=True))
    highs = [sum(value for value in column if value > 0) for column in columns]
    lows = [sum(value for value in column if value < 0) for column in columns]
    scale = Scale.over([*highs, *lows])
    slot = WIDTH / max(1, len(labels))
    shapes = []
    for place, column in enumerate(columns):
        up = down = 0
        for one, value in zip(series, column, strict=True):
            base = up if value > 0 else down
            if value:
                shapes.append(_bar(one.key, place * slot + slot * (1 - FILLED) / 2, slot * FILLED, base, value, scale))
            up, down = (up + value, down) if value > 0 else (up, down + value)
    texts = [_told(label, series, column, say) for label, column in zip(labels, columns, strict=True)]
    return _chart(scale, labels, texts, tick=tick, bars=shapes)


def line(series: Series, labels: Sequence[str], *, say: Say, tick: Say) -> Chart:
    """One line over an area that stands on zero."""
    scale = Scale.over(series.values)
    gap = WIDTH / max(1, len(series.values))
    # A point in the middle of the room that answers for it; the ends reach the edges.
    points = [(place * gap + gap / 2, scale.y(value)) for place, value in enumerate(series.values)]
    points = [(0.0, points[0][1]), *points, (float(WIDTH), points[-1][1])] if points else []
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    texts = [f"{label}: {say(value)}" for label, value in zip(labels, series.values, strict=True)]
    area = f"M{path} L{WIDTH} {scale.y(0):.1f} L0 {scale.y(0):.1f} Z" if points else ""
    return _chart(scale, labels, texts, tick=tick, line=f"M{path}" if points else "", area=area)


@dataclass(frozen=True)
class Scale:
    """From values to heights: whole steps of a round number, zero always among them."""

    low: int
    high: int
    step: int

    @classmethod
    def over(cls, values: Sequence[int]) -> Scale:
        """The smallest scale of round steps that holds all values."""
        low, high = min([0, *values]), max([0, *values])
        step = _round_step(high - low)
        return cls(low // step * step, max(-(-high // step), 1 if low == high else 0) * step, step)

    def y(self, value: int) -> float:
        """How far below the top."""
        return float(Fraction(HEIGHT * (self.high - value), self.high - self.low))

    @property
    def ticks(self) -> list[int]:
        """The values of the horizontal lines, the highest first."""
        return list(range(self.high, self.low - 1, -self.step))


def _round_step(span: int) -> int:
    rough, power = max(1, -(-span // LINES)), 1
    while power * 10 < rough:
        power *= 10
    return next(power * factor for factor in STEPS if power * factor >= rough)


def _bar(key: str, x: float, width: float, base: int, value: int, scale: Scale) -> Bar:
    top, bottom = scale.y(max(base, base + value)), scale.y(min(base, base + value))
    # A value is never so small that it can't be seen.
    height = max(bottom - top, 1.0)
    return Bar(f"sm-s-{key}", f"{x:.1f}", f"{top:.1f}", f"{width:.1f}", f"{height:.1f}")


def _told(label: str, series: Sequence[Series], column: Sequence[int], say: Say) -> str:
    parts = [f"{one.label} {say(value)}" for one, value in zip(series, column, strict=True) if value]
    return f"{label}: {', '.join(parts) or '–'}"


def _chart(
    scale: Scale,
    labels: Sequence[str],
    texts: Sequence[str],
    *,
    tick: Say,
    bars: list[Bar] | None = None,
    line: str = "",
    area: str = "",
) -> Chart:
    slot = WIDTH / max(1, len(labels))
    hits = [Hit(f"{place * slot:.1f}", f"{slot:.1f}", text) for place, text in enumerate(texts)]
    return Chart(
        bars=bars or [],
        line=line,
        area=area,
        ticks=[tick(value) for value in scale.ticks],
        grid=[f"{scale.y(value):.1f}" for value in scale.ticks if value],
        zero=f"{scale.y(0):.1f}",
        labels=_few(labels),
        hits=hits,
    )


def _few(labels: Sequence[str]) -> list[str]:
    """The first, the middle and the last one: what fits below a chart on a phone."""
    if len(labels) < 3:
        return list(labels)
    return [labels[0], labels[len(labels) // 2], labels[-1]]
