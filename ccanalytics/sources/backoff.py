"""How long to wait: one pace and one pause for all workers of a client, retries of one walk.

The services limit an organization, not a connection, and rarely say for how long. So
one refused request stops every worker, and the pauses grow until a request gets through. Where
the limit is written down, the pace keeps below it from the start.
"""

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import inf, isfinite

import httpx

PAUSE = 10.0
"""Seconds of the first pause after a refusal that names no time: its jitter makes it 10 to 20."""

LONGEST_PAUSE = 60.0

FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
"""Seconds before a failed request is sent again; the wait doubles with each failure."""


class Throttle:
    """When the workers of a client may send: a pace from the start, one pause after a refusal.

    At most `per_minute` requests go out in any 60 seconds, each in the next free slot; waiting for
    it is not a failure and costs no retries. Thread-safe.
    """

    def __init__(
        self,
        per_minute: int | None,
        *,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
        jitter: random.Random,
    ) -> None:
        self._sleep, self._clock, self._jitter = sleep, clock, jitter
        self._lock = threading.Lock()
        self._slots = deque[float](maxlen=per_minute) if per_minute else None
        self._until = self._started = -inf
        self._refusals = 0

    def wait(self, retries: "RetryBudget") -> bool:
        """Wait for a slot, then until no pause is left, each worker a little longer than the other.

        Returns False at once when the pause is longer than `retries` allows.
        """
        if self._slots is not None:
            with self._lock:
                now = self._clock()
                full = len(self._slots) == self._slots.maxlen
                slot = max(now, self._slots[0] + 60.0) if full else now
                self._slots.append(slot)
            if slot > now:
                self._sleep(slot - now)
        done = -inf  # a pause slept through is over, whatever an injected clock says
        while (until := self._until) > max(done, self._clock()):
            pause = max(0.0, until - self._clock())
            if not retries.lasts(pause):
                return False
            retries.spent += pause
            self._sleep(pause + self._jitter.random())
            done = until
        return True

    def pause(self, sent: float, named: float | None) -> float:
        """Pause all workers, for `named` seconds if the service said so; returns the seconds left.

        A request sent before the last pause is no news, so it does not extend it.
        """
        with self._lock:
            now, pause = self._clock(), named or 0.0
            if sent > self._started:
                first, longest = (
                    (PAUSE, LONGEST_PAUSE) if named is None else (FIRST_RETRY, LONGEST_RETRY)
                )
                self._started = now
                pause = max(pause, growing(first, longest, self._refusals, self._jitter))
                self._refusals += 1
            self._until = max(self._until, now + pause)
            return max(0.0, self._until - now)

    def reset(self, sent: float) -> None:
        """A request sent after the last pause got through: the next pause is short again."""
        with self._lock:
            if sent > self._started:
                self._refusals = 0


@dataclass
class RetryBudget:
    """What one walk may spend on failures and pauses, in seconds, and has spent."""

    budget: float
    spent: float = 0.0

    def lasts(self, seconds: float) -> bool:
        """Whether that many seconds are left."""
        return self.budget - self.spent >= seconds


def growing(first: float, longest: float, failures: int, jitter: random.Random) -> float:
    """Seconds that double with each failure, times 1 to 2 so that workers spread out."""
    return float(min(longest, first * 2 ** min(failures, 20))) * (1 + jitter.random())


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds the service asks for; None when it gives none that makes sense.

    A date is compared with the answer's own `date`, because this machine's clock may be wrong.
    `anthropic-ratelimit-*-reset` is not read: the Admin API sends it already in the past.
    """
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            sent, then = map(parsedate_to_datetime, (headers.get("date", ""), text))
            seconds = (then - sent).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if isfinite(seconds) and seconds >= 0 else None
