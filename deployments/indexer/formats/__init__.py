"""Readers of file formats: bytes in, what a person who opens the file sees as text out.

A module per format, or per thing that formats share. None of them uses the network.
"""
