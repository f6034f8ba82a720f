"""Counts visits in the database."""

import os
from pathlib import Path

import psycopg2
from flask import Flask

app = Flask(__name__)


def database():
    password = Path("/run/secrets/database-password").read_text()
    return psycopg2.connect(os.environ["DATABASE"], password=password, connect_timeout=5)


@app.get("/api/health")
def health():
    database().close()
    return {"healthy": True}


@app.get("/api/visits")
def visits():
    with database() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM visits")
        return {"visits": cursor.fetchone()[0]}


@app.post("/api/visits")
def visit():
    with database() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO visits DEFAULT VALUES")
        cursor.execute("SELECT count(*) FROM visits")
        return {"visits": cursor.fetchone()[0]}


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8000, threaded=True)
