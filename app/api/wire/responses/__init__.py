"""An answer in the form of OpenAI's Responses API, whole or as events."""
