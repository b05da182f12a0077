"""What a workflow file says: its shapes, keys, inputs and schedule; located nodes -> the workflow as written."""
