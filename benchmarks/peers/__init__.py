"""The same job in stock Faust and in Quix Streams, on small topics, for they are slower."""
