"""The Open Inference Protocol over gRPC, as KServe, Triton and others speak it: its messages, and
the code that is generated from them."""
