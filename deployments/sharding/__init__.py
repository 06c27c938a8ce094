"""One index dealt over several retrievers: which documents each has, and their answers as one."""
