"""What a project's files say about the environment they need, read into one common form."""
