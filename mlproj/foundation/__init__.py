"""What every room may use: errors, paths, processes, progress, secrets."""
