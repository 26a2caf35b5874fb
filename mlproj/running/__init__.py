"""The steps from what the user asked for to a recorded run; :mod:`mlproj.running.runner` has its steps."""
