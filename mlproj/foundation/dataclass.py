"""``dataclass`` as in the standard library, for classes that every run needs.

The standard one imports ``inspect`` (6 ms) and compiles up to six functions for each class (0.4 ms): a quarter of a
short run. These share their functions instead, which look the fields up. Inheriting fields, ``init=False``, slots and
order are not supported. What ``dataclasses`` offers for instances (``replace``, ``asdict``, ``fields``) works on these
as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    class field:  # noqa: N801  # reads as the standard one
        """How a field differs from its plain annotation."""

        def __init__(self, **options):
            self.options = options

    def dataclass(cls=None, *, frozen=False):
        """Give a class what its annotated fields ask for; used as the standard one is."""
        if cls is None:
            return lambda decorated: dataclass(decorated, frozen=frozen)
        fields = {name: _as_field(cls.__dict__.get(name, _REQUIRED)) for name in getattr(cls, "__annotations__", ())}
        for name, options in fields.items():
            if isinstance(cls.__dict__.get(name), field):
                delattr(cls, name)
            if "default" in options:
                setattr(cls, name, options["default"])
        cls.__match_args__ = cls._names = tuple(fields)
        cls._known = frozenset(fields)
        cls._needed = frozenset(
            name for name, options in fields.items() if not {"default", "default_factory"} & options.keys()
        )
        cls._defaults = [(name, options["default"]) for name, options in fields.items() if "default" in options]
        cls._made = [
            (name, options["default_factory"]) for name, options in fields.items() if "default_factory" in options
        ]
        cls._compared = [name for name, options in fields.items() if options.get("compare", True)]
        cls._shown = [name for name, options in fields.items() if options.get("repr", True)]
        cls.__dataclass_fields__ = _StandardFields(fields)
        if "__init__" not in cls.__dict__:  # one of its own stays, as in the standard library
            cls.__init__ = _init
        cls.__eq__, cls.__repr__ = _eq, _repr
        cls.__hash__ = _hash if frozen else None
        if frozen:
            cls.__setattr__, cls.__delattr__ = _refuse, _refuse
        return cls

    def replace(instance, **changes):
        """A copy of *instance* with some fields changed."""
        return type(instance)(**{**{name: getattr(instance, name) for name in instance._names}, **changes})

    _REQUIRED = object()

    def _as_field(given):
        return {} if given is _REQUIRED else given.options if isinstance(given, field) else {"default": given}

    def _init(self, *values, **named):
        cls, own = type(self), self.__dict__
        if not named and len(values) == len(cls._names):  # as most are made; a search makes thousands
            own.update(zip(cls._names, values))  # noqa: B905
            return
        own.update(zip(cls._names, values))  # noqa: B905  # too many are found below
        own.update(named)
        is_partial = own.keys() != cls._known
        if len(own) != len(values) + len(named) or (is_partial and not cls._needed <= own.keys() <= cls._known):
            raise TypeError(
                f"{cls.__qualname__} takes {', '.join(cls._names)}, each at most once, {', '.join(sorted(cls._needed))}"
                " always"
            )
        if is_partial:
            for name, default in cls._defaults:
                own.setdefault(name, default)
            for name, make in cls._made:
                if name not in own:
                    own[name] = make()

    def _eq(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._compared)

    def _hash(self):
        return hash(tuple(getattr(self, name) for name in self._compared))

    def _repr(self):
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._shown)})"

    def _refuse(_self, name, *_value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot change field {name!r}")

    class _StandardFields:
        """``__dataclass_fields__``, made when the standard library asks for it."""

        def __init__(self, fields):
            self._fields = fields

        def __get__(self, instance, owner):
            import dataclasses

            given = {name: dataclasses.field(**options) for name, options in self._fields.items()}
            standard = dataclasses.make_dataclass(
                owner.__name__, [(name, owner.__annotations__[name], one) for name, one in given.items()]
            )
            owner.__dataclass_fields__ = standard.__dataclass_fields__
            return owner.__dataclass_fields__


__all__ = ["dataclass", "field", "replace"]
