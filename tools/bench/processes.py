"""What processes use, read from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int, word: str) -> list[int]:
    """The process and those of its children that have a word in their command line."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children if word in Path(f"/proc/{child}/cmdline").read_text())]


def cpu_seconds(pids: list[int]) -> float:
    """The processor time that these have used so far."""
    return sum(_cpu_seconds(pid) for pid in pids)


def resident_megabytes(pid: int) -> float:
    """The memory that a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kilobytes) / 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
