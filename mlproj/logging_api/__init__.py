"""Logging from Python without MLflow: what ``mlproj.log_metric`` and the other names of the package do.

Everything logged is a line appended to one of the run's files, which costs microseconds and survives the death of the
program as soon as the call returns. The run's owner takes the lines over: ``mlproj run``, or, for a run that the
program started by itself, a thread of it; if the owner is killed, whoever looks at the runs next.
"""
