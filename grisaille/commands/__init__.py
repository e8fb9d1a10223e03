"""The commands of ``grisaille``, one a module, and what several of them need."""
