"""The client library as other programs import it."""
