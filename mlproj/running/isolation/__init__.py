"""Where a run's command stands: on this machine as it is, in a sandbox, in a container."""
