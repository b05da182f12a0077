"""Compiled workflows and their jobs -> what `sam deploy` makes of them: statemachines/template.yaml and its shards.

    units ----check----> problems
          ----workflow--> resources of each workflow: machine, roles, log, alarms, schedule, task definitions
          ----shards----> which template holds which workflow
          ----document--> templates, with what their workflows share
          ----layout----> text

Names, parameters and resources are those of docs/design.md, "Deployment". Nothing here reads a file.
"""
