"""YAML text -> located nodes, by Digdag's scalar rules; table lists in files; secrets written out, which are mistakes."""
