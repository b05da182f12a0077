"""A run's events in Digdag's words: task rows, and the views of them: terminal tree, plain lines, JSON lines."""
