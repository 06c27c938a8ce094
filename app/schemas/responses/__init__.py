"""Wire forms of `/v1/responses`: OpenAI's, with one member of our own on each side."""
