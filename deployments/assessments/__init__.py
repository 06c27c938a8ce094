"""What people and judges say of answers, in the database: at once there, and in MLflow once it has
the traces."""
