"""The embedded engine: runs a compiled state machine on this machine, its tasks as processes, its functions in process.

Floors, from the ground: payload, errors, clock, jsonata, guard; template, machine, definition, scope, frame;
history, processes; the states (simple, retry, task, parallel, map_*); integrations; redrive, rundir; engine on top.
It knows the Amazon States Language (JSONata only) and nothing of Digdag.
"""
