"""Places in this repository, and the command that was built of it."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = os.path.join(ROOT, "Documentation", "run-format.schema.json")
MENAGERIE = os.path.join(ROOT, "Sources", "Diffusion", "Resources", "Menagerie")

HEED = os.environ.get("HEED")
"""The built command, as the environment names it; None where it names none."""
