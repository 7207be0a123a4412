"""The Faust side: application, table, transport, and the supervisor that runs the tasks."""
