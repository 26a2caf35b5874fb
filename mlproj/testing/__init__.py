"""The suites that mlproj tests its own kinds with, for plug-ins with further kinds. They need the extra ``test``."""
