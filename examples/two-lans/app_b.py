"""App B: answers everyone who asks."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return {"app": "B", "says": "Hello from app B"}


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
