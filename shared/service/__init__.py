"""What makes a process a good pod: signals and drain, internal port, health, logs, limits."""
