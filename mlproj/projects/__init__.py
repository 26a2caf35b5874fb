"""What a project's files say: entry points, parameters, the declared environment. Pure: no network, no processes.

``load`` reads a folder, ``resolve_entry_point`` chooses, ``merge`` puts the user's values together, ``bind`` makes the
command of them; ``problems`` says what is wrong with an entry point whatever its values.
"""

from mlproj.projects.assignment import parse_assignment, parse_assignments
from mlproj.projects.command import bind, problems
from mlproj.projects.mlproject import load, parse
from mlproj.projects.parameters_file import load_parameters_file, merge
from mlproj.projects.resolution import resolve_entry_point

__all__ = [
    "bind",
    "load",
    "load_parameters_file",
    "merge",
    "parse",
    "parse_assignment",
    "parse_assignments",
    "problems",
    "resolve_entry_point",
]
