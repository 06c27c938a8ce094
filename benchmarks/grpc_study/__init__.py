"""The same calls over HTTP and over gRPC, in turns."""
