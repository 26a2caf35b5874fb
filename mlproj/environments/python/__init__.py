"""Python environments: interpreter, date and packages decided, locked, and installed."""
