"""Conversations that the service keeps: their routes, and requests that go on with one."""
