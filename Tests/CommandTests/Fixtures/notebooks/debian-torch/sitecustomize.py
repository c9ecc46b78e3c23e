"""Lets a notebook take Debian's python3-torch where no other PyTorch is installed.

Debian's packages come last, so that all else is what requirements.txt names. That PyTorch was built
against NumPy 1 and says so at length when it meets a later one; what passes between the two is not
used here.
"""

import importlib.util
import os
import sys

if importlib.util.find_spec("torch") is None:
    sys.path.append("/usr/lib/python3/dist-packages")
    stderr, quiet = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    try:
        import torch

        torch.zeros(1).numpy()
    except (ImportError, RuntimeError):
        pass
    finally:
        os.dup2(stderr, 2)
