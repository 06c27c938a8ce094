"""What the load test needs beside locust: judging answers and runs. No gevent in here."""
