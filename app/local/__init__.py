"""The local stack: Chroma, MLflow and a one-node Ray, started, watched and stopped on this machine.

Nothing here knows the command line: `app.cli` renders what these modules report.
"""
