"""App A: asks app B on either of two ways and puts B's reply into its own.

/via-web   through a port that app B publishes on the host
/via-name  by app B's name, which works on a common network only
"""

import json
import os
from urllib.request import urlopen

from flask import Flask

app = Flask(__name__)


def ask(url):
    with urlopen(url, timeout=5) as reply:
        heard = json.load(reply)
    return {"app": "A", "asked": url, "heard": heard, "says": "Hello from app A"}


@app.get("/")
def hello():
    return {"app": "A", "says": "Hello from app A"}


@app.get("/via-web")
def via_web():
    return ask(os.environ["WEB"])


@app.get("/via-name")
def via_name():
    return ask("http://app-b:5000/")


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000, threaded=True)
