"""One folder per stage of the graph: a Ray shell beside pure modules and adapters."""
