"""The command line: one file per command. Flags become a request, the request a call, and one renderer prints the
answer."""
