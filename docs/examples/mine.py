"""User code for the processor `python`: no health checks, and every span knows its team."""


def span(span, options):
    """Drop spans of health checks that went well; name the team of the others."""
    if span.get("http.route") == "/healthz" and span.status.code != "error":
        return None
    if span.name.startswith("GET /cart"):
        span["team"] = options["team"]
    return span
