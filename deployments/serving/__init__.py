"""What every deployment stands on: calls of several requests as one, and Ray's errors as ours."""
