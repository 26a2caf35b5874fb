"""Packages of R as a ``renv.lock`` lists them, in a library of their own."""
