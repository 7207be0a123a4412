"""Results to AWS AppSync: an opaque or a typed GraphQL API, or the Events API."""
