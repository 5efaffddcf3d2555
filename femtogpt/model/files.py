"""The names of a trained model's files, where torch is not needed to know them."""

SETTINGS_FILE = "settings.json"
WEIGHTS_FILE = "model.safetensors"
