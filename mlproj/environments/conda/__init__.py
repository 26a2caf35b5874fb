"""Real conda environments: solved and installed by py-rattler, without a conda on the machine."""
