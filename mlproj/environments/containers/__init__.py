"""Containers: an image that is there or is made, and a command run in it by docker, podman or nerdctl."""
