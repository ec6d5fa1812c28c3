"""The HTTP under our own wires: deadlines, pools, server-sent events; one request out, one streamed answer in."""
