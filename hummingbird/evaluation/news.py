# SPDX-License-Identifier: Apache-2.0
"""What has changed, handed on to each of those who look.

The rows that say so (db/trigger.py) are deleted when they are read; what somebody has not
worked on yet stands here. A process that ends with news in its memory loses nothing: who
acts after it looks at everything first.
"""

import threading

from hummingbird.db.repository import attention
from hummingbird.db.repository.attention import News
from hummingbird.db.session import Database


class Inbox:
    """One reader's news."""

    def __init__(self, desk: "NewsDesk") -> None:
        self._desk = desk
        self._come = News()
        self._opened = News()

    def open(self) -> News:
        """Return what has changed and has not been worked on; it stays until `done`."""
        self._desk.collect()
        with self._desk.lock:
            self._opened, self._come = self._opened | self._come, News()
            return self._opened

    def done(self) -> None:
        """Say that what `open` returned last has been worked on."""
        with self._desk.lock:
            self._opened = News()

    def add(self, news: News) -> None:
        """Let it be there at the next `open`."""
        with self._desk.lock:
            self._come |= news


class NewsDesk:
    """Collects the news of one process for all its readers; threads may share it."""

    def __init__(self, database: Database) -> None:
        self.lock = threading.Lock()
        self._database = database
        self._inboxes: list[Inbox] = []
        self._collecting = threading.Lock()

    def subscribe(self) -> Inbox:
        """Return an inbox for what changes from now on."""
        inbox = Inbox(self)
        with self.lock:
            self._inboxes.append(inbox)
        return inbox

    def tell(self, news: News, *, but: Inbox) -> None:
        """Put something into all inboxes but one, the teller's."""
        for inbox in list(self._inboxes):
            if inbox is not but:
                inbox.add(news)

    def collect(self) -> None:
        """Put what has changed into all inboxes."""
        with self._collecting:
            with self._database.reader() as connection:
                if not attention.is_there_news(connection):
                    return
            with self._database.writer() as connection:
                news = attention.take_news(connection)
                # Before the end of the transaction: news that come twice harm nobody.
                for inbox in list(self._inboxes):
                    inbox.add(news)
