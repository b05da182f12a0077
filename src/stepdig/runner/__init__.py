"""The task runner: a compiled task and the run's values in, the user's command run, its outputs out.

The same functions serve a container (`python -m stepdig.runner`) and the laptop's engine. Python 3.8 and the standard
library only, because images carry this folder; of the house it imports `stepdig.expressions` alone.
"""
