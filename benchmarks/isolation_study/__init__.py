"""Whether tenants ever see a byte of each other: documents that differ in nothing but a secret
word, and random requests for them."""
