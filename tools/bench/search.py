"""How fast customer support finds somebody among a million customers, and among a thousand in the same run."""

import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from portal.storage import customer_search, tables
from portal.storage.customer_words import words_of
from portal.storage.database import Database

FEW, MANY = 1_000, 1_000_000
AT_ONCE = 20_000
QUESTIONS = 1_000
A_PAGE = 21
"""What the desk asks for: a page of twenty, and whether there is another."""

FIRST_NAMES = [
    a + b
    for a, b in product("Anna Béla Carl Dirk Éva Fritz Greta Hugó Ida Ján".split(), ("", "-Maria", "s", "ke", "lie"))
]
LAST_NAMES = [
    a + b
    for a, b in product(
        "Lind Berg Kovács Szabó Müller Schmidt Jansen García Rossi Dupont Nowak Tamm".split(),
        ("", "qvist", "s", "er", "ová", "ini", "man"),
    )
]


def measure_search() -> dict[str, object]:
    """Both in turns, so that what else the machine does meets both alike."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        few, many = (_customers(Path(folder, f"{number}.sqlite"), number) for number in (FEW, MANY))
        took: dict[int, list[float]] = {FEW: [], MANY: []}
        for question_few, question_many in zip(_questions(FEW), _questions(MANY), strict=True):
            took[FEW].append(_ask(few, question_few))
            took[MANY].append(_ask(many, question_many))
        few.close()
        many.close()
    before, found = _p99(took[FEW]), _p99(took[MANY])
    return {"customers": MANY, "p99": found, "beside": FEW, "p99_beside": before, "ratio": found / before}


def _customers(file: Path, number: int) -> Database:
    """So many customers, with the words by which they are found."""
    database = Database(f"sqlite:///{file}", seal_key=bytes(32))
    database.upgrade()
    now = datetime.now(UTC)
    for first in range(0, number, AT_ONCE):
        people = [_person(place, now) for place in range(first, min(first + AT_ONCE, number))]
        words = [
            {"customer_id": person["id"], "word": word}
            for person in people
            for word in words_of((person["number"], person["email"], person["name"]))
        ]
        with database.write() as tx:
            tx.connection.execute(insert(tables.customers), people)
            tx.connection.execute(insert(tables.customer_words), words)
    return database


def _person(place: int, now: datetime) -> dict[str, Any]:
    chance = random.Random(place)
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return {
        "id": f"{chance.getrandbits(120):030x}",
        "issuer": "https://id.example",
        "subject": str(place),
        "email": f"{first}.{last}{place}@example.com",
        "name": f"{first} {last}",
        "number": f"C-{place:07d}",
        "created_at": now,
    }


def _questions(number: int) -> Iterator[str]:
    """What agents type, common and rare: a number, an address, names, their beginnings, and what nobody has."""
    chance = random.Random(7)
    for _ in range(QUESTIONS):
        person = _person(chance.randrange(number), datetime.now(UTC))
        first, last = person["name"].split(" ")
        yield chance.choice(
            (
                person["number"],
                person["email"],
                f"{first} {last}",
                f"{last} {first}".upper(),
                last,
                last[:2],
                f"{first[:1]} {last[:1]}",
                f"{first[:2]} {person['number']}",
                "c-",
                f"{last} nobody",
            )
        )


def _ask(database: Database, question: str) -> float:
    began = time.monotonic()
    with database.read() as tx:
        customer_search.find(tx, question, limit=A_PAGE)
    return time.monotonic() - began


def _p99(numbers: list[float]) -> float:
    return sorted(numbers)[int(len(numbers) * 0.99)]
