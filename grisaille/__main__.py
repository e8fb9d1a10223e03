"""``python -m grisaille``."""

from grisaille.cli import main

main(prog_name="grisaille")
