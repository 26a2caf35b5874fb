"""One list out of conda's packages and pip's: pip runs after conda, so its word counts; then what only conda brings."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement

from mlproj.environments.declarations.conda_names import IMPLIED, Implied
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.package_name import canonical


def join(draft: Draft, conda: list[str]) -> None:
    """Put the packages from conda before the draft's own from pip, each name once, and add the implied ones."""
    chosen: dict[str, str] = {}
    for package in conda:
        _put(draft, chosen, package, later="the second")
    brought = dict(chosen)
    rest = []
    for package in draft.packages:
        name = _name(package)
        if name in brought:
            _put(draft, chosen, package, later="pip's")
        else:
            rest.append(package)
    draft.packages[:] = [*chosen.values(), *rest]
    _imply(draft, brought, {name for package in draft.packages if (name := _name(package))})


def _put(draft: Draft, chosen: dict[str, str], package: str, *, later: str) -> None:
    """The more specific of two wins; of two that differ the later, with a note."""
    new = _parsed(package)
    name = canonical(new.name)
    old = _parsed(chosen[name]) if name in chosen else None
    if old is None or old.url or new.url or new.marker or "--hash" in package:
        chosen[name] = package
        return
    extras = old.extras | new.extras
    if not new.specifier:
        new.specifier = old.specifier
    elif old.specifier and old.specifier != new.specifier:
        draft.note(f"{new.name} is asked for twice, as {old.specifier} and {new.specifier}: {later} counts")
    new.extras = extras
    chosen[name] = str(new)


def _imply(draft: Draft, brought: dict[str, str], present: set[str]) -> None:
    for rule in IMPLIED:
        if rule.name not in brought or not _may_be_old(brought[rule.name], rule):
            continue
        added = [name for name in rule.brings if name not in present]
        if added:
            present.update(added)
            draft.packages.extend(added)
            draft.implied.extend(added)
            draft.note(f"added {', '.join(added)} for {rule.name}: {rule.why}")


def _may_be_old(package: str, rule: Implied) -> bool:
    """Whether the requirement keeps to versions that the rule is about; without a bound it means those of today."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    if rule.below is None:
        return True
    specifier: SpecifierSet = _parsed(package).specifier
    exact = [
        Version(one.version.removesuffix(".*")) < Version(rule.below)
        for one in specifier
        if one.operator in ("==", "~=")
    ]
    capped = [Version(one.version) <= Version(rule.below) for one in specifier if one.operator in ("<", "<=")]
    return any((*exact, *capped))


def _parsed(package: str) -> Requirement:
    return Requirement(package.partition(" --hash")[0])


def _name(package: str) -> str | None:
    """The canonical name of a requirement, None for a path or a bare URL."""
    try:
        return canonical(_parsed(package).name)
    except InvalidRequirement:
        return None
