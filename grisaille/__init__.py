"""Grisaille for its users: the client, the command line, and the services of one machine."""
