"""What a command needs around it. ``environments.resolve`` decides; the result's ``prepare`` makes it so."""
