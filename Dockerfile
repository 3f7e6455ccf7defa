# shelterplan as a service: no root, a root file system that need not be written, a health check.
# Build: docker build -t shelterplan .      Run: see docs/deploy.md

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements-run.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/shelterplan \
    && /opt/shelterplan/bin/pip install --no-cache-dir --require-hashes -r requirements-run.lock
COPY shelterplan shelterplan
COPY data data
RUN /opt/shelterplan/bin/pip install --no-cache-dir --no-deps --no-build-isolation .
# The searches are compiled once, here: the first visitor does not wait for them.
ENV NUMBA_CACHE_DIR=/var/cache/shelterplan/numba
RUN /opt/shelterplan/bin/shelterplan nearest monaco --lat 43.7325 --lon 7.4197 \
    && /opt/shelterplan/bin/shelterplan suggest monaco --sites 2 --room ignored

FROM python:3.12-slim-bookworm
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 libexpat1 fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin shelterplan
COPY --from=build /opt/shelterplan /opt/shelterplan
COPY --from=build --chown=10001 /var/cache/shelterplan /var/cache/shelterplan
ENV NUMBA_CACHE_DIR=/var/cache/shelterplan/numba \
    XDG_CACHE_HOME=/var/cache/shelterplan \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD \
    ["/opt/shelterplan/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
ENTRYPOINT ["/opt/shelterplan/bin/shelterplan"]
CMD ["app", "--host", "0.0.0.0", "--port", "8501"]
