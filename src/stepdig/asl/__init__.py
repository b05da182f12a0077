"""The plan as Amazon States Language: `emit` gives the definition, `layout` its text. Only this package spells ASL."""
