"""What the service is compared with: other servers of the same model, and the model itself."""
