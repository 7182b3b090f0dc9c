"""The one table, and the last result as JSON."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.json"

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside its aim."""

    what: str
    figure: str
    aim: str
    is_reached: bool


def lines(result: Result) -> list[Line]:
    """Every figure that has an aim."""
    return [*_of_the_rush(result), *_of_pages(result)]


def _of_the_rush(result: Result) -> list[Line]:
    rush = result["rush"]
    clicks = rush["clicks"]
    return [
        Line("clicks that got an answer", f"{rush['answered']} of {clicks}", "all", rush["answered"] == clicks),
        Line(
            "attempts that reached the Connect UI",
            f"{rush['reached_connect_ui']} of {clicks}",
            "all",
            rush["reached_connect_ui"] == clicks,
        ),
        Line(
            "all of them there after",
            f"{rush['seconds']:.1f} s, ideal {rush['ideal_seconds']:.1f} s: {rush['seconds_ratio']:.2f} x",
            "1.3 x",
            rush["seconds_ratio"] <= 1.3,
        ),
        Line(
            "most calls under way at the provider",
            str(rush["most_in_flight"]),
            str(rush["limit"]),
            rush["most_in_flight"] <= rush["limit"],
        ),
        Line(
            "other customers' /devices, p99 in the rush",
            f"{_ms(rush['rush_p99'])}, before {_ms(rush['quiet_p99'])}: {rush['p99_ratio']:.1f} x",
            "3 x",
            rush["p99_ratio"] <= 3,
        ),
    ]


def _of_pages(result: Result) -> list[Line]:
    pages, memory, search = result["pages"], result["memory"], result["search"]
    return [
        Line(
            "/devices beside a bare page, CPU a request",
            f"{pages['devices']['cpu_milliseconds']:.2f} ms, bare {pages['bare']['cpu_milliseconds']:.2f} ms: "
            f"{pages['cpu_ratio']:.1f} x",
            "8 x",
            pages["cpu_ratio"] <= 8,
        ),
        Line(
            "memory after 10,000 requests",
            f"{memory['last_megabytes']:.1f} MB, after 1,000 {memory['first_megabytes']:.1f} MB: "
            f"{memory['ratio'] - 1:+.1%}",
            "5 %",
            memory["ratio"] <= 1.05,
        ),
        Line(
            f"support finds one of {search['customers']:,} customers, p99",
            f"{_ms(search['p99'])}, of {search['beside']:,} {_ms(search['p99_beside'])}: {search['ratio']:.1f} x",
            "50 ms",
            search["p99"] <= 0.05,
        ),
    ]


def table(result: Result) -> str:
    """For people."""
    rows = [("", "measured", "aim", "")]
    rows += [
        (line.what, line.figure, line.aim, "reached" if line.is_reached else "NOT REACHED") for line in lines(result)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    text = "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    rush, pages = result["rush"], result["pages"]
    speed = f"Requests a second: /devices {pages['devices']['per_second']:.0f}, bare {pages['bare']['per_second']:.0f}."
    slow = f"Looks slower than the aim: {rush['slow']} of {rush['looks']}, the last after {rush['slow_until']:.0f} s."
    waits = f"A click's answer: p50 {rush['p50_answer']:.1f} s, slowest {rush['slowest_answer']:.1f} s."
    return f"{text}\n\n{speed} {waits}\n{slow}"


def keep(result: Result) -> None:
    """The last result, with where and when it was measured."""
    kept = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **result,
    }
    KEPT.write_text(json.dumps(_rounded(kept), indent=2) + "\n")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _rounded(value: Any) -> Any:
    match value:
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case float():
            return round(value, 3)
    return value
