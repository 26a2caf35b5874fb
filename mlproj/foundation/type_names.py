"""Names of :mod:`typing` for the modules that every run loads, without loading it (3 ms, a twentieth of a short run).

Annotations are never evaluated here, so a type checker alone needs what the names mean; ``Protocol`` and ``Generic``
are bases that do nothing. Modules off the path of a warm run use :mod:`typing` itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, BinaryIO, ClassVar, Generic, NoReturn, Protocol, TypeGuard, TypeVar
else:
    IO = Any = BinaryIO = ClassVar = NoReturn = TypeGuard = object

    class Protocol:
        """The base of a protocol."""

    class Generic:
        """The base of a class with a type parameter."""

        def __class_getitem__(cls, _parameter):
            return cls

    def TypeVar(name, **_options):  # noqa: N802  # reads as the standard one
        """What stands for a type parameter."""
        return name


__all__ = [
    "IO",
    "TYPE_CHECKING",
    "Any",
    "BinaryIO",
    "ClassVar",
    "Generic",
    "NoReturn",
    "Protocol",
    "TypeGuard",
    "TypeVar",
]
