from __future__ import annotations

from pathlib import Path

from mlproj.environments.python import package_index


def test_pips_settings_serve_uv_where_uv_has_none() -> None:
    given = {
        "PIP_INDEX_URL": "https://a/simple",
        "PIP_EXTRA_INDEX_URL": "https://b/simple  https://c/simple",
        "PIP_FIND_LINKS": "/x /y",
    }
    assert package_index.settings(given) == {
        "UV_DEFAULT_INDEX": "https://a/simple",
        "UV_INDEX": "https://b/simple https://c/simple",
        "UV_FIND_LINKS": "/x,/y",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_is_set_for_uv_wins() -> None:
    assert package_index.settings({"PIP_INDEX_URL": "https://a/simple", "UV_INDEX_URL": "https://u/simple"}) == {}


def test_the_fingerprint_changes_with_the_index_but_holds_no_credentials(tmp_path: Path) -> None:
    plain = package_index.fingerprint({"UV_DEFAULT_INDEX": "https://a/simple", "UV_NO_CONFIG": "1"})
    masked = package_index.fingerprint({"UV_DEFAULT_INDEX": "https://user:hunter2@b/simple", "UV_NO_CONFIG": "1"})
    assert plain != masked
    assert "hunter2" not in str(masked)
    file = tmp_path / "uv.toml"
    file.write_text("")
    first = package_index.fingerprint({"UV_CONFIG_FILE": str(file)})
    file.write_text("index-url = 'https://c/simple'")
    assert package_index.fingerprint({"UV_CONFIG_FILE": str(file)}) != first
