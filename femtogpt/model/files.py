"""The names of the files in a run's folder; a module that does not import torch."""

SETTINGS_FILE = "settings.json"
WEIGHTS_FILE = "model.safetensors"
MACHINE_FILE = "machine.json"
CHECKPOINTS = "checkpoints"  # the folder of these
CHECKPOINT_FILE = "checkpoint.json"  # written last: what a checkpoint consists of
LOCK_FILE = ".lock"  # held while a process trains in the folder
