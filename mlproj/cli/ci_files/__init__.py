"""Files by which a continuous integration service runs a project: one module for each, which says what is special about
it."""

KINDS = {"github": "mlproj.cli.ci_files.github", "gitlab": "mlproj.cli.ci_files.gitlab"}
"""Each has ``FILE``, where the service looks for it in a repository, and ``document(pipeline)``, its content as plain
data."""
