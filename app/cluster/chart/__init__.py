"""The Helm chart without Helm: the part of Go's template language that its templates use."""
