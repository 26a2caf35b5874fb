"""Where jobs run. Only this machine for now."""
