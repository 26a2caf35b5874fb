from __future__ import annotations

from mlproj.models.image.serving_environment import without_installers

LOCK = """\
lock-version = "1.0"

[[packages]]
name = "pip"
version = "1"
[[packages.wheels]]
url = "https://x/pip.whl"

[[packages]]
name = "numpy"
version = "2"

[[packages]]
name = "Wheel"
[tool.x]
name = "pip"
"""


def test_installers_are_left_out_of_a_lock_and_nothing_else() -> None:
    assert without_installers(LOCK) == (
        'lock-version = "1.0"\n\n[[packages]]\nname = "numpy"\nversion = "2"\n\n[tool.x]\nname = "pip"\n'
    )
    assert without_installers('lock-version = "1.0"\n') == 'lock-version = "1.0"\n'
