"""`python -m bench.services`."""

import sys

from bench.services.cli import main

sys.exit(main())
