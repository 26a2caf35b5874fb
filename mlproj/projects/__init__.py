"""What a project's files say: entry points, parameters, the declared environment. Pure: no network, no processes."""
