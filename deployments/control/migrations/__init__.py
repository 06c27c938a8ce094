"""The history of the tables, applied by `deployments.control.database`."""
