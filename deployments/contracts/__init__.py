"""What crosses a process border: frozen values, the stages that exchange them, and errors."""
