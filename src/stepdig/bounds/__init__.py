"""What a run may need of each of AWS's limits, counted or bounded when compiling: plan, definition -> rows."""
