"""App A: asks app B by its container's name and puts B's reply into its own."""

import json
from urllib.request import urlopen

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    with urlopen("http://app-b:5000/", timeout=5) as reply:
        heard = json.load(reply)
    return {"app": "A", "heard": heard, "says": "Hello from app A"}


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
