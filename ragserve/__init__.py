"""What other people's programs import of this project; `app` and `deployments` are its inside."""
