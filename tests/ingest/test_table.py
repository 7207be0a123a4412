"""Rows of a PostgreSQL table, those of transactions that commit late among them."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.application import Kafka
from tests.appsync.processes import Process
from tests.ingest.ingester import Ingester
from tests.polling import until
from tests.worker import free_port

PASSWORD = "a-password-of-tests"


def program(name: str) -> str:
    """Debian keeps them beside the path."""
    installed = map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or max(installed, default="")
    if not found:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql)")
    return found


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on loopback; its address for libpq."""
    initdb, postgres = program("initdb"), program("postgres")
    port, logs = free_port(), tmp_path_factory.mktemp("postgresql")
    # Not below pytest's folder, which only we may enter.
    folder = Path(tempfile.mkdtemp(prefix="tally-postgresql-"))
    password = folder / "password"
    password.write_text(PASSWORD)
    as_user: list[str] = []
    if os.geteuid() == 0:
        # It refuses to run as root; Debian's package has made a user for it.
        shutil.chown(folder, "postgres")
        shutil.chown(password, "postgres")
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"]
        as_user = [program("setpriv"), *user]
    data = str(folder / "data")
    options = ["-U", "tally", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync"]
    subprocess.run([*as_user, initdb, "-D", data, *options], check=True, capture_output=True)
    command = [*as_user, postgres, "-D", data, "-p", str(port), "-k", "", "-F", "-h", "127.0.0.1"]
    address = f"postgresql://tally:{PASSWORD}@127.0.0.1:{port}/postgres"
    with Process("postgresql", logs, command, {}) as process:

        def serves() -> bool:
            try:
                psycopg.connect(address).close()
            except psycopg.OperationalError:
                return False
            return True

        until(serves, "PostgreSQL serves", 120, process.tail)
        yield address
    shutil.rmtree(folder, ignore_errors=True)


def test_rows_in_all_orders_of_commit(
    kafka: Kafka, database: str, topic: str, tmp_path: Path
) -> None:
    variables = {
        "STREAMS_INGEST_TABLE_URL": database.replace("postgresql:", "postgresql+psycopg:"),
        "STREAMS_INGEST_TABLE": "public.orders",
        "STREAMS_INGEST_TABLE_COLUMN": "id",
        "STREAMS_INGEST_TABLE_SECONDS": "0.2",
        "STREAMS_INGEST_TABLE_SETTLE_SECONDS": "3",
        "STREAMS_INGEST_TABLE_PAGE": "10",
        "STREAMS_INGEST_KEY_FIELD": "customer",
    }
    insert = "INSERT INTO orders (customer, price) VALUES (%s, %s) RETURNING id"
    with (
        psycopg.connect(database, autocommit=True) as first,
        psycopg.connect(database) as late,
    ):
        first.execute(
            "CREATE TABLE orders (id bigserial PRIMARY KEY, customer text, price numeric(10, 2), "
            "made timestamptz DEFAULT now())"
        )
        for n in range(45):
            first.execute(insert, (f"c{n}", n + 0.5))
        with Ingester(kafka, topic, tmp_path, "table", **variables) as gateway:
            gateway.until_published(45)
            late.execute(insert, ("late", 1))
            first.execute(insert, ("early", 2))
            late.commit()
            gateway.until_published(47)
            gateway.stop()
            first.execute(insert, ("last", 3))
            gateway.begin()
            found = gateway.until_published(48)
            assert gateway.stop() == 0, gateway.tail()
            log = gateway.log.read_text()
    rows = [json.loads(record.value or b"") for record in found]
    assert sorted(row["id"] for row in rows) == list(range(1, 49)), "each once"
    assert {row["customer"].encode() for row in rows} == {record.key for record in found}
    assert next(row for row in rows if row["id"] == 1)["price"] == "0.50"
    assert PASSWORD not in log


def test_a_table_that_is_not_there(kafka: Kafka, database: str, topic: str, tmp_path: Path) -> None:
    variables = {
        "STREAMS_INGEST_TABLE_URL": database.replace("postgresql:", "postgresql+psycopg:"),
        "STREAMS_INGEST_TABLE": "nothing",
        "STREAMS_INGEST_TABLE_COLUMN": "id",
    }
    with Ingester(kafka, topic, tmp_path, "table", **variables) as gateway:
        assert gateway.wait(60) == 1
        assert "There is no table nothing" in gateway.said()
