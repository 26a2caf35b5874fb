"""One command per figure: ``python -m tests.benchmarks.startup`` (warm_run, environment, git_fetch, many_runs).

Each measures mlproj, its peer and the limit side by side and prints ratios against the targets; it never fails. Times
of different runs, or of different machines, cannot be compared; ratios of one run can. ``--peer PATH`` names an
``mlflow`` executable; without it one on PATH is taken.
"""
