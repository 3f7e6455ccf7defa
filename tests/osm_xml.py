"""Write small OpenStreetMap files for the tests."""

from xml.sax.saxutils import quoteattr


def tag_lines(tags):
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


def node(number, lon, lat, **tags):
    """Write a node; a tag such as `social_facility:for` is given through a dict."""
    return f'<node id="{number}" lon="{lon}" lat="{lat}">{tag_lines(tags)}</node>'


def way(number, refs, tags, *, stamp="2024-05-01T10:00:00Z"):
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{number}" timestamp="{stamp}">{nodes}{tag_lines(tags)}</way>'


def relation(number, members, tags):
    """Write a relation; a member is (type, id, role)."""
    lines = "".join(f'<member type="{t}" ref="{r}" role="{role}"/>' for t, r, role in members)
    return f'<relation id="{number}">{lines}{tag_lines(tags)}</relation>'


def osm(*objects, head=""):
    body = "\n".join(objects)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">{head}\n{body}\n</osm>\n'


def grid(count=4, step=0.001, lon=7.0, lat=43.0):
    """Write nodes 1, 2, 3 ... in a row from west to east."""
    return [node(number + 1, lon + number * step, lat) for number in range(count)]
