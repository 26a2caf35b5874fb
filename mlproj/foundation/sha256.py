"""SHA-256 for small texts: the one that Python brings along, without OpenSSL's (3 ms to load, and quicker from a few MB
on).

For what may be large, take :mod:`hashlib`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:  # as the standard library's own `random` does
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256  # until Python 3.11
        except ImportError:
            from hashlib import sha256

__all__ = ["sha256"]
