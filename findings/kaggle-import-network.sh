#!/usr/bin/env bash
# kaggle 2.2.4: what `import kaggle` does before anything of it is called.
#
# Expected: an import reads code; at most it reads files.
# Seen: with an API token in the environment, the import itself sends that token over the network
# to be checked (a POST to IntrospectToken), and it makes ~/.config/kaggle. Without a network the
# import waits for a connection; with a read-only home it fails.
# So: import it late, in a process of its own that can be given up.
#
# The client is pointed at a server on 127.0.0.1: its own LOCALHOST environment asks
# http://localhost, which HTTP_PROXY leads to the port of this script. Nothing leaves the machine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kaggle==2.2.4 six==1.17.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

requests = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        requests.append((self.path, json.loads(body)))
        answer = json.dumps({"active": True, "username": "someone"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
home = Path(sys.argv[1]) / "home"
home.mkdir()
environment = {
    "PATH": os.environ["PATH"],
    "HOME": str(home),
    "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
    "HTTP_PROXY": f"http://127.0.0.1:{server.server_port}",
    "KAGGLE_API_TOKEN": "a-token-of-nobody",
}
done = subprocess.run([sys.executable, "-c", "import kaggle"], env=environment, timeout=120)
made = sorted(str(path.relative_to(home)) for path in home.rglob("*"))
print("kaggle", version("kaggle"))
print("exit status of `import kaggle`:", done.returncode)
print("requests during the import:    ", requests)
print("made in the home folder:       ", made)
assert done.returncode == 0
assert requests, "the import asks the network"
assert all(path.endswith("IntrospectToken") for path, _ in requests)
assert all(body == {"token": "a-token-of-nobody"} for _, body in requests), "it sends the token"
assert ".config/kaggle" in made, "the import makes a folder"
PYTHON
