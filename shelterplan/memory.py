"""A small memory of what was worked out last, safe between threads."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Thing = TypeVar("Thing")
NOTHING = object()


class Memory:
    """The last few things that were made, each for its key.

    Whoever asks for a thing that another thread is making waits for it; what fails is made again
    by the next one. To make a thing may need others, but never, in the end, itself.

    Examples
    --------
    >>> memory = Memory(most=1)
    >>> memory.get("a", lambda: 1), memory.get("a", lambda: 2), memory.get("b", lambda: 3)
    (1, 1, 3)
    >>> memory.get("a", lambda: 4)
    4
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, object] = OrderedDict()
        self._turns: dict[Hashable, tuple[Lock, int]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """Return the thing of a key, made now if it is not remembered."""
        found = self._remembered(key)
        if found is not NOTHING:
            return found  # type: ignore[return-value]
        turn = self._line_up(key)
        try:
            with turn:
                found = self._remembered(key)
                if found is NOTHING:
                    found = make()
                    self._keep(key, found)
                return found  # type: ignore[return-value]
        finally:
            self._step_out(key)

    def _remembered(self, key: Hashable) -> object:
        with self._lock:
            if key not in self._things:
                return NOTHING
            self._things.move_to_end(key)
            return self._things[key]

    def _keep(self, key: Hashable, thing: object) -> None:
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > self._most:
                self._things.popitem(last=False)

    def _line_up(self, key: Hashable) -> Lock:
        """Return the lock of those who want to make the thing of a key."""
        with self._lock:
            turn, waiting = self._turns.get(key, (Lock(), 0))
            self._turns[key] = (turn, waiting + 1)
            return turn

    def _step_out(self, key: Hashable) -> None:
        """Forget the lock of a key with the last one who wants it."""
        with self._lock:
            turn, waiting = self._turns[key]
            if waiting > 1:
                self._turns[key] = (turn, waiting - 1)
            else:
                del self._turns[key]
