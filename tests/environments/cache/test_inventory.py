from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

import pytest

from mlproj.environments.cache import inventory, transaction
from mlproj.foundation.errors import UsageError
from mlproj.foundation.progress import Silent
from tests.environments.cache.test_transaction import KEY, OTHER, _fill, _visible


def test_prune_keeps_what_was_used_lately() -> None:
    for key, days in ((KEY, 40), (OTHER, 2)):
        folder, _ = transaction.obtain(key, _fill, Silent())
        transaction.give_up(folder)
        used = (datetime.now(timezone.utc) - timedelta(days=days)).timestamp()
        os.utime(folder / "environment.json", (used, used))
    pruned = inventory.prune(timedelta(days=30))
    assert pruned.removed == (KEY,)
    assert pruned.freed > 0
    assert [one.key for one in inventory.installed()] == [OTHER]


def test_using_an_environment_counts_as_use() -> None:
    folder, _ = transaction.obtain(KEY, _fill, Silent())
    os.utime(folder / "environment.json", (0, 0))
    transaction.obtain(KEY, _fill, Silent())
    assert inventory.show(KEY).last_used > datetime.now(timezone.utc) - timedelta(hours=1)


def test_a_stored_environment_says_what_it_is() -> None:
    transaction.obtain(KEY, _fill, Silent())
    one = inventory.show(KEY[:6])
    assert (one.key, one.python, one.manager, one.packages) == (KEY, "3.11.7", "uv", {"apple": "1.0"})
    assert one.size > 0


def test_a_prefix_must_name_one_environment() -> None:
    transaction.obtain(KEY, _fill, Silent())
    transaction.obtain(OTHER, _fill, Silent())
    with pytest.raises(UsageError, match="begins the keys of 2 environments"):
        inventory.show("a")
    with pytest.raises(UsageError, match="no environment whose key begins with 'zz'"):
        inventory.remove("zz")
    with pytest.raises(UsageError):
        inventory.show("")
    with pytest.raises(UsageError):
        inventory.remove("../..")


def test_remove_takes_one_environment_away() -> None:
    transaction.obtain(KEY, _fill, Silent())
    transaction.obtain(OTHER, _fill, Silent())
    assert inventory.remove(OTHER[:4]).key == OTHER
    assert _visible() == [KEY]


def test_without_a_cache_there_are_no_environments() -> None:
    assert inventory.installed() == []
    assert inventory.prune() == inventory.Pruned((), (), 0, 0)
