"""HTTP/1.1 without a framework: `collector.net.http` over llhttp's parser.

Bottom up: `heads` is what a request says before its body; `parser` is the protocol without a socket, bytes in, events
out; `answers` writes answers as bytes. `exchange` is one request with its body, as a handler sees it. `session` joins all
that to a socket. `collector.net.http_server` is what a receiver starts.
"""
