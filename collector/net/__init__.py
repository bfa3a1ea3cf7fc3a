"""Servers and clients that several components share; a component sees requests and answers, never sockets."""
