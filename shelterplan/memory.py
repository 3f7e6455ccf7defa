"""A small memory of what was worked out last, safe between threads."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Thing = TypeVar("Thing")


class Memory:
    """The last few things that were made, each for its key.

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
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """Return the thing of a key, made now if it is not remembered."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]  # type: ignore[return-value]
        thing = make()  # two threads may both make it; both are right
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return thing
