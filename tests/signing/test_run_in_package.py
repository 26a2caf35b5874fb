"""The project's files in a package are those that were signed with the run, where the run kept a copy of them."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.tree_digest import folder_digest
from mlproj.package.content import Content
from mlproj.package.format.manifest import Manifest
from mlproj.signing import run_in_package


def test_a_file_of_the_project_that_is_another_than_was_signed_is_found(tmp_path: Path) -> None:
    project = tmp_path / "p"
    (project / "sub").mkdir(parents=True)
    (project / "sub" / "t.py").write_text("1")
    (project / "link").symlink_to("sub/t.py")
    said = {"run": "None", "entry point": "None", "copy of the project": f"mlprojSnapshot:{folder_digest(project)}"}

    def changes() -> list[str]:
        content = Content(tmp_path / "staging")
        content.add_folder(project, "project")
        manifest = Manifest("1", {"uri": "/p", "kind": "folder"}, "", content.members)
        return [change.what for change in run_in_package.differences(said, manifest)]

    assert changes() == []
    (project / "sub" / "t.py").write_text("2")
    assert changes() == ["signed copy of the project"]
