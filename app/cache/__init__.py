"""Answers that are given again: what makes two requests equal, and where answers are kept."""
