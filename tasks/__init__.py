"""Prefect tasks: one per stage of ``femtogpt``; they wrap, watch and record, and add no logic."""
