"""What the command ``femtogpt`` does, a module for each group of subcommands."""
