"""The way of spans out of a process: a bounded queue, OTLP over HTTP, and a spool on disk."""
