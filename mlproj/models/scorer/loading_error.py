"""What keeps a model from being loaded."""


class LoadingError(Exception):
    """The model cannot be loaded in this environment; the message names what is missing and what to do."""
