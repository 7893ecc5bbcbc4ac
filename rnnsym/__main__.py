"""`python -m rnnsym` is the command `rnnsym`."""

import sys

from rnnsym.cli import main

sys.exit(main())
