"""A small server on this machine that behaves like Overpass and Nominatim, faults included.

Each request takes the next behaviour from `server.script`; when that is used up, "ok".
"""

import gzip
import json
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

OUTLINE = {
    "type": "Polygon",
    "coordinates": [[[7.0, 43.0], [7.01, 43.0], [7.01, 43.01], [7.0, 43.01], [7.0, 43.0]]],
}
PLACES = [
    {"display_name": "Testville (station)", "geojson": {"type": "Point", "coordinates": [7, 43]}},
    {"display_name": "Testville", "geojson": OUTLINE},
]
STREETS = {
    "version": 0.6,
    "osm3s": {"timestamp_osm_base": "2025-06-01T00:00:00Z"},
    "elements": [
        {"type": "node", "id": 1, "lat": 43.0, "lon": 7.0},
        {"type": "node", "id": 2, "lat": 43.0, "lon": 7.001, "tags": {"highway": "crossing"}},
        {"type": "node", "id": 3, "lat": 43.0, "lon": 7.002},
        {"type": "node", "id": 4, "lat": 43.001, "lon": 7.001},
        {"type": "way", "id": 10, "nodes": [1, 2, 3], "tags": {"highway": "footway"}},
        {"type": "way", "id": 11, "nodes": [2, 4], "tags": {"highway": "steps", "name": "Rampe"}},
        {"type": "way", "id": 12, "nodes": [1, 4], "tags": {"highway": "motorway"}},
    ],
}

ODD = {"type": "way", "id": "x", "nodes": 3, "tags": {"highway": "path"}}


class Handler(BaseHTTPRequestHandler):
    """Answers one request, well or badly."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.respond(urlsplit(self.path).query)

    def do_POST(self):
        self.respond(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, *args):
        """Keep quiet."""

    def respond(self, question):
        server = self.server
        server.asked.append((self.path.split("?")[0], parse_qs(question)))
        server.agents.add(self.headers["User-Agent"])
        behaviour = server.script.pop(0) if server.script else "ok"
        self.close_connection = True
        try:
            getattr(self, "answer_" + behaviour)()
        except OSError:
            server.broken_off += 1

    def send(self, content, *, status=200, kind="application/json", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def whole(self):
        lookup = self.path.startswith("/search")
        return json.dumps(self.server.places if lookup else self.server.streets).encode()

    def answer_ok(self):
        self.send(self.whole(), kind="application/json; charset=utf-8")

    def answer_gzip(self):
        self.send(gzip.compress(self.whole()), Content_Encoding="gzip")

    def answer_chunked(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(self.whole()), 100):
            part = self.whole()[at : at + 100]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def answer_429(self):
        self.send(b"<html>slow down</html>", status=429, kind="text/html", Retry_After="0")

    def answer_429_long(self):
        self.send(b"", status=429, kind="text/html", Retry_After=self.server.retry_after)

    def answer_429_silent(self):
        self.send(b"", status=429, kind="text/html")

    def answer_504(self):
        self.send(b"<html>busy</html>", status=504, kind="text/html")

    def answer_400(self):
        self.send(b"<html>parse error</html>", status=400, kind="text/html")

    def answer_html(self):
        self.send(b"<html>Welcome to the hotel's network</html>", kind="text/html")

    def answer_half(self):
        self.send(self.whole()[:200], length=len(self.whole()))

    def answer_half_gzip(self):
        packed = gzip.compress(self.whole())
        self.send(packed[: len(packed) // 2], length=len(packed), Content_Encoding="gzip")

    def answer_half_chunked(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (100, self.whole()[:100]))

    def answer_too_short(self):
        self.send(self.whole(), length=200)

    def answer_cut_gzip(self):
        self.send(gzip.compress(self.whole())[:100], Content_Encoding="gzip")

    def answer_broken_gzip(self):
        packed = bytearray(gzip.compress(self.whole()))
        packed[-6] ^= 1  # in the checksum
        self.send(bytes(packed), Content_Encoding="gzip")

    def answer_negative(self):
        self.send(self.whole()[:200], length=-5)

    def answer_half_json(self):
        self.send(self.whole()[:200])

    def answer_remark(self):
        late = {**STREETS, "elements": STREETS["elements"][:5]}
        self.send(
            json.dumps({**late, "remark": 'runtime error: Query timed out in "query"'}).encode()
        )

    def answer_remark_whole(self):
        self.send(json.dumps({**STREETS, "remark": "runtime error: out of memory\x1b[2J"}).encode())

    def answer_html_as_json(self):
        self.send(b"<html>502 Bad Gateway</html>")

    def answer_latin(self):
        self.send(self.whole().replace(b"Rampe", b"Ramp\xe9"))

    def answer_control(self):
        self.send(b"", kind="text/\x1b[2Jhtml")

    def answer_nan(self):
        self.send(self.whole().replace(b"43.001", b"NaN"))

    def answer_nothing(self):
        self.send(b"")

    def answer_no_content(self):
        self.send(b"", status=204)

    def answer_lacking(self):
        self.send(json.dumps({**STREETS, "elements": STREETS["elements"][1:]}).encode())

    def answer_empty(self):
        self.send(json.dumps({**STREETS, "elements": []}).encode())

    def answer_odd(self):
        self.send(json.dumps({"elements": [ODD]}).encode())

    def answer_list(self):
        self.send(b"[1, 2]")

    def answer_deep(self):
        self.send(b"[" * 100_000)

    def answer_flood(self):
        self.send(gzip.compress(b" " * 3_000_000), Content_Encoding="gzip")

    def answer_layers(self):
        bomb = gzip.compress(gzip.compress(bytes(3_000_000)))
        self.send(bomb, Content_Encoding="gzip, gzip")

    def answer_deflate(self):
        self.send(zlib.compress(self.whole()), Content_Encoding="deflate")

    def answer_silence(self):
        self.server.stopped.wait(3)

    def answer_trickle(self):
        content = self.whole()
        self.send(content[:5], length=len(content))
        self.drip(content[5:])

    def answer_trickle_headers(self):
        self.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 10)

    def drip(self, content):
        for at in range(len(content)):
            if self.server.stopped.wait(self.server.drip_s):
                return
            self.wfile.write(content[at : at + 1])
            self.wfile.flush()

    def answer_hang_up(self):
        self.connection.close()

    def answer_redirect(self):
        self.send(b"", status=307, Location=self.path.split("?")[0].rstrip("2") + "2")

    def answer_redirect_to(self):
        self.send(b"", status=302, Location=self.server.target)

    def answer_redirect_nowhere(self):
        self.send(b"", status=302)


class FaultyServer(ThreadingHTTPServer):
    """The server; use it as a context manager."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = []
        self.asked = []
        self.agents = set()
        self.broken_off = 0
        self.retry_after = "3600"
        self.drip_s = 0.05
        self.target = "http://127.0.0.2:1/search"
        self.places = PLACES
        self.streets = STREETS
        self.stopped = threading.Event()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}/api/interpreter"

    @property
    def geocoder(self):
        return f"http://127.0.0.1:{self.server_port}/search"

    def handle_error(self, request, client_address):
        """Keep quiet: clients break off on purpose here."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *args):
        self.stopped.set()
        time.sleep(0.01)
        self.shutdown()
        self.server_close()
