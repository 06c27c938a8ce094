"""The console: a page in a browser, as files that run as they are. `app/api/pages/console.py`
serves them."""
