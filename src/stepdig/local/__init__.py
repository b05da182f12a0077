"""The embedded engine: runs a compiled state machine on this machine, its tasks as processes, its functions in process.

Floors, from the ground: payload, errors, clock, jstext, jsonata, guard, processes; template, machine, definition, scope,
frame; history, tokens, execution, call; the states (simple, retry, task, parallel, map_*) and the interpreter's loop;
integrations; redrive, recovery; engine; rundir on top. Beside them, for what stepdig compiles: tasks, jobs, functions, session.
It knows the Amazon States Language (JSONata only) and nothing of Digdag.
"""
