"""`python -m picoinfuse`: the command line."""

import sys

from picoinfuse.cli import main

sys.exit(main())
