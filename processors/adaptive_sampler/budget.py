"""What may be kept, against what was kept."""

import math

_REPAYING = 0.5  # intervals
_LEAST = 0.1  # of what may be kept is, while a debt is paid back


class Budget:
    """Keeps the account of what was kept, in the unit of the target.

    `target` is so much in a second or, where `relative`, a share of what is offered. What was kept too much or too
    little is made up for over half an interval, or over the time in which `slack` may be kept if that is longer; what
    is older than that is forgotten.
    """

    def __init__(self, target: float, interval: float, slack: float, *, relative: bool) -> None:
        self._target = target
        self._relative = relative
        self._repaying = interval * _REPAYING
        self._debt = 0.0
        self.slack = slack
        self.kept = self.offered = 0.0

    def rate(self, offered: float) -> float:
        """Return what may be kept in a second, where so much is offered in a second."""
        return self._target * offered if self._relative else self._target

    def aim(self, offered: float, seconds: float) -> float:
        """Return what to keep in a second from now on, so many seconds after the last settlement."""
        if self._relative and self._target >= 1:
            return math.inf
        rate = self.rate(offered)
        if not rate:
            return 0.0
        return max(rate - self._balance(rate, seconds) * rate / self._bound(rate), _LEAST * rate)

    def settle(self, offered: float, seconds: float, *, everything: bool) -> None:
        """Close the account of so many seconds; `everything` says that all was to be kept, which saves nothing."""
        rate = self.rate(offered)
        self._debt = self._balance(rate, seconds)
        if everything:
            self._debt = max(self._debt, 0.0)
        self.kept = self.offered = 0.0

    def _balance(self, rate: float, seconds: float) -> float:
        due = self._target * self.offered if self._relative else rate * seconds
        bound = self._bound(rate)
        return min(max(self._debt + self.kept - due, -bound), bound)

    def _bound(self, rate: float) -> float:
        """Return the largest difference that is made up for."""
        return max(rate * self._repaying, self.slack)
