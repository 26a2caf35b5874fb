"""The version of MLflow whose protocols the servers here speak, as its clients ask for it."""

VERSION = "3.17.2"
