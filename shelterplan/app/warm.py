"""What is done once, before anybody asks, so that the first answer is as quick as the others."""

from __future__ import annotations

import gc
import logging
import threading
import time
from functools import cache
from typing import Final

from shelterplan.app import store
from shelterplan.app.settings import Settings
from shelterplan.errors import ShelterplanError

TIDY_S: Final = 15.0
"""Between two collections of garbage [s]."""

log = logging.getLogger(__name__)


def begin() -> threading.Thread:
    """Begin to prepare the study area that is opened first, beside the server."""
    thread = threading.Thread(target=_prepare, name="shelterplan-warm", daemon=True)
    thread.start()
    return thread


def _prepare() -> None:
    try:
        prepare(next(iter(store.known_areas())))
    except (ShelterplanError, OSError) as error:  # its page says so, too
        log.warning("the first study area cannot be opened: %s", error)


def prepare(name: str) -> None:
    """Work out what the first page of a study area needs under the usual assumptions.

    The pages themselves must not be imported here: what they declare to Streamlit is only heard
    while a page runs.
    """
    usual = Settings(area=name)
    area = store.ready(name, usual.scenario())
    store.street_assets(name, area.version)
    store.prepare(name, area.version, usual.scenario(), usual.access_standard())


@cache
def settle() -> None:
    """Take what is there now out of the hands of the garbage collector; once, after a first page.

    All that the program loaded would be looked through each time, for a tenth of a second and more:
    longer than the answer to a tap takes.
    """
    gc.collect()
    gc.freeze()
    threading.Thread(target=_tidy, name="shelterplan-tidy", daemon=True).start()


def _tidy() -> None:
    """Collect garbage from time to time.

    Streamlit would do it after each run of a page: where many people tap at once, the server then
    spends more than half of its time on that.
    """
    while True:
        time.sleep(TIDY_S)
        gc.collect()
