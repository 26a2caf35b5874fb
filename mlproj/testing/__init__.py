"""The suites that mlproj tests its own kinds with, for whoever writes another kind. They need the extra ``test``."""
