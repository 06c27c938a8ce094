"""The client's calls over gRPC, for addresses that begin with `grpc://`; loaded for those alone."""
