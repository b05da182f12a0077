"""The workflow as written -> the plan of what will happen, and what the task runner needs for it."""
