"""Which commit changed a metric: commits are run, each in its own environment, until one is left that can have done
it."""

from mlproj.bisection.finding import Finding, find
from mlproj.bisection.question import Question

__all__ = ["Finding", "Question", "find"]
