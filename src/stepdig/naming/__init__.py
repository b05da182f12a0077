"""What a name means at one place of a workflow: parameters are layers (docs/design.md)."""
