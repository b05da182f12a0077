"""`${...}` of Digdag: a parser, an evaluator for constants and the task runner, a translation to JSONata for states."""
