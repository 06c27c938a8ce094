"""The service that the clients are tried against, and the questions that they ask of it."""

import os

ROOT = os.environ.get("RAGSERVE_URL", "http://127.0.0.1:8000").rstrip("/")
V1 = f"{ROOT}/v1"
KEY = "unused"
QUESTION = "What happens when a queue is full?"
FOLLOW_UP = "And what does the header Retry-After say?"
IN_ANSWER = "503"
"""What the guide answers, whoever asks."""
