"""Any server that speaks OpenAI's protocol, as an engine."""
