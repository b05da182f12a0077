"""`python -m stepdig.runner`: what a container runs."""

import os
import sys

from stepdig.runner.container import main

sys.exit(main(os.environ))
