# SPDX-License-Identifier: Apache-2.0
"""What every process does first: log, open the database, read the key, await its end.

Several processes may start at the same instant on one state directory or one database:
the schema is brought up by one of them while the others wait.
"""

import logging
import signal
import sys
import threading
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from oslo_context.context import RequestContext as LogContext
from oslo_log import log
from oslo_log.formatters import ContextFormatter

from hummingbird import __version__
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.misspelt import misspelt
from hummingbird.conf.share import database_url
from hummingbird.context import CURRENT, RequestContext
from hummingbird.db import migration
from hummingbird.db.repository import event_suppression, fault_outbox, host, system
from hummingbird.db.session import Connection, Database, Limits
from hummingbird.domain.alarm_catalogue import CATALOGUE
from hummingbird.errors import SysinvIdsMayClash
from hummingbird.printable import printable

if TYPE_CHECKING:
    from hummingbird.adapters.sysinv.relay import SysinvRelay

LOG = logging.getLogger("hummingbird.cmd.bootstrap")

SYSTEM_NAME = "hummingbird"
"""Name of a new system, until somebody gives it another."""


class OneLine(ContextFormatter):
    """Writes a message as one line, in which nothing is that a terminal would obey; a
    traceback under it has lines of its own. Its form is the configuration's."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line; an error that it tells of is told once: oslo.log adds the one
        that is being handled."""
        line, error = super().formatMessage(record), sys.exc_info()[1]
        if error is not None and not record.exc_info and str(error) in record.message:
            line = line.removesuffix(f": {getattr(record, 'error_summary', '')}")
        return printable(line)

    def formatException(self, ei: Any, record: Any = None) -> str:
        """Return the lines of a traceback; what a neighbour said stands in it."""
        return printable(super().formatException(ei, record=record), keep="\n")


def setup_logging(conf: Conf) -> None:
    """Log as oslo.log's options say: to standard error, if they say nothing; first what
    the configuration says in vain."""
    log.setup(conf, "hummingbird", version=__version__)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_say_for_whom)
        if isinstance(handler.formatter, ContextFormatter):
            handler.setFormatter(
                OneLine(
                    project="hummingbird",
                    version=__version__,
                    config=conf,
                    datefmt=conf.log_date_format,
                )
            )
    for sentence in misspelt(conf):
        LOG.warning("%s", sentence)


def _say_for_whom(record: logging.LogRecord) -> bool:
    context = CURRENT.get()
    record.context = _as_oslo_has_it(context) if context else None
    return True


@lru_cache(maxsize=64)
def _as_oslo_has_it(context: RequestContext) -> LogContext:
    return LogContext(
        user_id=context.user_id or context.user,
        user_name=context.user,
        user_domain_id=context.user_domain_id,
        project_id=context.project_id or context.project,
        project_name=context.project,
        project_domain_id=context.project_domain_id,
        system_scope=context.system_scope,
        request_id=context.request_id,
        overwrite=False,
    )


def open_database(conf: Conf, clock: Clock) -> Database:
    """Return the database, its schema at this version, seeded if it is new.

    :raises DatabaseUnavailable: it does not answer.
    :raises DatabaseDamaged: its file has to be restored.
    :raises SchemaTooOld: somebody else is to bring its schema up.
    :raises SchemaTooNew: this release can't work on its schema.
    """
    database = _database(conf)
    database.check_whole()
    if not conf.database.upgrade_at_start:
        migration.check(database)
    else:
        bring_up(conf, database, clock)
    if not conf.fm.url:
        database.write(fault_outbox.forget)
    return database


def _database(conf: Conf) -> Database:
    return Database(
        database_url(conf),
        pool_size=conf.database.pool_size,
        busy_timeout_seconds=conf.database.busy_timeout_seconds,
        limits=_limits(conf),
        forward_faults=bool(conf.fm.url),
    )


def bring_up(conf: Conf, database: Database, clock: Clock) -> None:
    """Have the database's schema at this version, and its first rows there; another
    process that does the same is waited for.

    :raises DatabaseUnavailable: it does not answer.
    :raises SchemaTooNew: this release can't work on its schema.
    """

    def seed(connection: Connection) -> None:
        system.seed(
            connection,
            name=SYSTEM_NAME,
            mn_cidr=conf.network.mn_cidr,
            now=clock.now(),
        )
        event_suppression.sync(connection, CATALOGUE.values())

    with migration.alone(database, clock=clock):
        migration.upgrade(database)
        database.write(seed)


def sync_database(conf: Conf, clock: Clock) -> str:
    """Bring the database up and return the revision of its schema; see `bring_up`."""
    database = _database(conf)
    try:
        database.check_whole()
        bring_up(conf, database, clock)
        return str(migration.at(database))
    finally:
        database.dispose()


def _limits(conf: Conf) -> Limits:
    options = conf.database
    return Limits(
        connect=options.connect_seconds,
        statement=options.statement_seconds,
        lock=options.lock_seconds,
        idle=options.idle_seconds,
        pool=options.pool_seconds,
    )


def sysinv_relay(conf: Conf, clock: Clock, database: Database) -> "SysinvRelay | None":
    """Return what passes requests on to a real sysinv, if the API stands before one.

    :raises SysinvUrlInvalid: its URL is none.
    :raises SysinvIdsMayClash: hosts of ours have ids that it may give to its own.
    """
    if not conf.sysinv.upstream:
        return None
    from hummingbird.adapters.sysinv.relay import SysinvRelay

    with database.reader() as connection:
        low = [one.hostname for one in host.with_low_ids(connection)]
    if low:
        raise SysinvIdsMayClash(hostnames=", ".join(low[:20]))
    options = conf.sysinv
    return SysinvRelay(
        options.upstream,
        clock=clock,
        ca_file=Path(options.ca_file) if options.ca_file else None,
        connect_seconds=options.connect_seconds,
        answer_seconds=options.answer_seconds,
        list_seconds=options.list_seconds,
        away_seconds=options.away_seconds,
        passages=options.passages,
    )


def wait_for_signal() -> int:
    """Block until SIGTERM or SIGINT, and return which; call it from the main thread."""
    received: list[int] = []
    ended = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        ended.set()

    former = {
        number: signal.signal(number, note)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        ended.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    return received[0]
