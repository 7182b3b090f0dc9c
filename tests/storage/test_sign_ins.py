"""Sign-ins under way: finished once, in the browser they began in, and any number may be abandoned."""

from __future__ import annotations

from datetime import timedelta

from portal.storage import sign_ins, tables
from portal.storage.database import Database
from portal.storage.sign_ins import Begun, SignIn
from tests.storage.made import LATER, NOW, SOON, all_at_once, raw

STATE, BROWSER, VERIFIER = "a random state", "a random token of one browser", "a code verifier of PKCE"
SIGN_IN = SignIn(nonce="nonce", code_verifier=VERIFIER, target="connect/heat-pump", language="hu", begun_at=NOW)


def begin(database: Database, state: str = STATE) -> None:
    with database.write() as tx:
        sign_ins.begin(
            tx,
            state=state,
            browser=BROWSER,
            nonce=SIGN_IN.nonce,
            code_verifier=SIGN_IN.code_verifier,
            target=SIGN_IN.target,
            language=SIGN_IN.language,
            now=NOW,
            expires_at=LATER,
        )


def take(database: Database, *, state: str = STATE, browser: str = BROWSER) -> SignIn | None:
    with database.write() as tx:
        return sign_ins.take(tx, state=state, browser=browser, now=SOON)


def test_a_sign_in_is_finished_once(database: Database) -> None:
    begin(database)
    assert take(database) == SIGN_IN
    assert take(database) is None


def test_another_browser_neither_finishes_a_sign_in_nor_spoils_it(database: Database) -> None:
    begin(database)
    assert take(database, browser="another") is None
    assert take(database, state="guessed") is None
    assert take(database) == SIGN_IN


def test_twenty_abandoned_sign_ins_break_nothing(database: Database) -> None:
    for number in range(20):
        begin(database, state=f"abandoned {number}")
    begin(database)
    assert take(database) == SIGN_IN


def test_of_many_callbacks_at_once_one_finishes_the_sign_in(database: Database) -> None:
    begin(database)
    assert all_at_once(10, lambda _: take(database)).count(SIGN_IN) == 1


def test_a_sign_in_that_took_too_long_is_over(database: Database) -> None:
    begin(database)
    with database.write() as tx:
        assert sign_ins.take(tx, state=STATE, browser=BROWSER, now=LATER) is None


def test_it_is_known_for_a_day_what_a_sign_in_was_for_however_it_ended(database: Database) -> None:
    begin(database)
    wanted = Begun(target=SIGN_IN.target, confirms=False, is_retry=False)
    for end in (lambda: None, lambda: take(database), lambda: take(database, browser="another")):
        end()
        with database.write() as tx:
            sign_ins.purge(tx, LATER + timedelta(hours=23))
            assert sign_ins.begun(tx, STATE) == wanted
    with database.read() as tx:
        assert sign_ins.begun(tx, "guessed") is None


def test_ended_sign_ins_are_deleted_in_time(database: Database) -> None:
    begin(database)
    begin(database, state="taken")
    take(database, state="taken")
    with database.write() as tx:
        sign_ins.purge(tx, LATER + timedelta(days=1))
    assert raw(database, tables.sign_ins) == "[]"


def test_a_verifier_that_cannot_be_unsealed_is_no_sign_in(database: Database) -> None:
    begin(database)
    with database.write() as tx:
        tx.connection.execute(tables.sign_ins.update().values(code_verifier_sealed="damaged"))
    assert take(database) is None


def test_a_thief_of_the_table_cannot_finish_a_sign_in(database: Database) -> None:
    begin(database)
    table = raw(database, tables.sign_ins)
    assert all(secret not in table for secret in (STATE, BROWSER, VERIFIER))
