/* Draws a street network, and the names of its streets, from one compact binary: no tiles.
   The format is described in shelterplan/views/street_pack.py (version 2). */
(function () {
  'use strict';

  function parse(buffer) {
    const view = new DataView(buffer);
    const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
    if (magic !== 'SPST' || view.getUint16(4, true) !== 2) throw new Error('not a street pack of version 2');
    const points = view.getUint32(8, true), lines = view.getUint32(12, true);
    const labels = view.getUint32(16, true), nameBytes = view.getUint32(20, true);
    const [x0, y0, stepX, stepY] = new Float64Array(buffer.slice(24, 56));
    let at = 56;
    const take = (Kind, count) => {
      const array = new Kind(buffer, at, count);
      at += (array.byteLength + 3) & ~3;
      return array;
    };
    const scale = (steps, start, step) => Float64Array.from(steps, v => start + v * step);
    const x = scale(take(Uint16Array, points), x0, stepX), y = scale(take(Uint16Array, points), y0, stepY);
    const first = take(Uint32Array, lines + 1), name = take(Uint32Array, labels);
    const labelX = scale(take(Uint16Array, labels), x0, stepX), labelY = scale(take(Uint16Array, labels), y0, stepY);
    const labelM = take(Uint16Array, labels), angle = take(Int16Array, labels), kind = take(Uint8Array, lines);
    const names = new TextDecoder().decode(new Uint8Array(buffer, at, nameBytes)).split('\n');
    return { points, lines, labels, x, y, first, name, labelX, labelY, labelM, angle, kind, names };
  }

  /* Segments in cells of a grid over the bounding box, in CSR form. */
  function index(streets, cells) {
    const { x, y, first, lines, kind, points } = streets;
    let x0 = 1, y0 = 1, x1 = 0, y1 = 0;
    for (let i = 0; i < points; i++) {
      if (x[i] < x0) x0 = x[i]; if (x[i] > x1) x1 = x[i];
      if (y[i] < y0) y0 = y[i]; if (y[i] > y1) y1 = y[i];
    }
    const fx = cells / (x1 - x0 + 1e-12), fy = cells / (y1 - y0 + 1e-12);
    const count = points - lines, from = new Uint32Array(count), cls = new Uint8Array(count), cell = new Uint32Array(count);
    const start = new Uint32Array(cells * cells + 1);
    let k = 0;
    for (let i = 0; i < lines; i++) for (let p = first[i]; p + 1 < first[i + 1]; p++, k++) {
      from[k] = p; cls[k] = kind[i];
      const cx = Math.min(cells - 1, ((x[p] + x[p + 1]) / 2 - x0) * fx | 0);
      const cy = Math.min(cells - 1, ((y[p] + y[p + 1]) / 2 - y0) * fy | 0);
      start[(cell[k] = cy * cells + cx) + 1]++;
    }
    for (let i = 0; i < cells * cells; i++) start[i + 1] += start[i];
    const next = start.slice(), ids = new Uint32Array(count);
    let longest = 0;
    for (let s = 0; s < count; s++) {
      ids[next[cell[s]]++] = s;
      const p = from[s];
      longest = Math.max(longest, Math.abs(x[p + 1] - x[p]), Math.abs(y[p + 1] - y[p]));
    }
    return { cells, x0, y0, fx, fy, start, ids, from, cls, longest };
  }

  const LOOK = {
    light: { steps: '#8a5a2b', path: '#b9a58c', street: '#b4bac1', main: '#8d96a0', text: '#333a40', halo: '#ffffff' },
    dark: { steps: '#c79a63', path: '#6b6152', street: '#566069', main: '#77838f', text: '#e4e8ec', halo: '#12171b' },
  };
  /* Widths in pixels at a zoom level; 0: not drawn. In the order of CLASSES. */
  const WIDTH = [
    z => z < 15 ? 0 : z < 17 ? 2 : 4,
    z => z < 14 ? 0 : z < 16 ? 1 : z < 18 ? 2 : 3,
    z => z < 12 ? 0 : z < 14 ? 0.7 : z < 16 ? 1.6 : z < 18 ? 4 : 7,
    z => z < 12 ? 1 : z < 14 ? 1.6 : z < 16 ? 3 : z < 18 ? 6 : 10,
  ];

  L.StreetLayer = L.GridLayer.extend({
    options: { tileSize: 256, keepBuffer: 1, updateWhenZooming: false, dark: false },

    initialize(streets, options) {
      L.setOptions(this, options);
      this._streets = streets;
      this._index = index(streets, 64);
    },

    createTile(at) {
      const size = this.options.tileSize, ratio = Math.min(2, window.devicePixelRatio || 1);
      const tile = document.createElement('canvas');
      tile.width = tile.height = size * ratio;
      const draw = tile.getContext('2d');
      draw.scale(ratio, ratio);
      draw.lineJoin = 'round';
      const world = size * Math.pow(2, at.z), left = at.x * size, top = at.y * size;
      const { x, y } = this._streets, ix = this._index, n = ix.cells, margin = 12 / world + ix.longest / 2;
      const clamp = v => Math.max(0, Math.min(n - 1, Math.floor(v)));
      if ((left + size) / world + margin < ix.x0 || (top + size) / world + margin < ix.y0) return tile;
      const c0 = clamp((left / world - margin - ix.x0) * ix.fx), c1 = clamp(((left + size) / world + margin - ix.x0) * ix.fx);
      const r0 = clamp((top / world - margin - ix.y0) * ix.fy), r1 = clamp(((top + size) / world + margin - ix.y0) * ix.fy);
      const look = LOOK[this.options.dark ? 'dark' : 'light'], colours = [look.steps, look.path, look.street, look.main];
      for (const cls of [1, 2, 3, 0]) {
        const width = WIDTH[cls](at.z);
        if (!width) continue;
        draw.beginPath();
        draw.strokeStyle = colours[cls];
        draw.lineWidth = width;
        draw.lineCap = cls ? 'round' : 'butt';
        draw.setLineDash(cls ? [] : [2, 2]);
        for (let row = r0; row <= r1; row++)
          for (let i = ix.start[row * n + c0]; i < ix.start[row * n + c1 + 1]; i++) {
            const s = ix.ids[i], p = ix.from[s];
            if (ix.cls[s] !== cls) continue;
            draw.moveTo(x[p] * world - left, y[p] * world - top);
            draw.lineTo(x[p + 1] * world - left, y[p + 1] * world - top);
          }
        draw.stroke();
      }
      return tile;
    },
  });

  /* The names, on one canvas over the view: only where a name fits its street and no other name. */
  L.StreetNames = L.Layer.extend({
    options: { dark: false, minZoom: 15 },

    initialize(streets, options) {
      L.setOptions(this, options);
      this._streets = streets;
    },

    onAdd(map) {
      this._canvas = L.DomUtil.create('canvas', 'leaflet-zoom-hide');
      this._canvas.style.pointerEvents = 'none';
      this._canvas.setAttribute('aria-hidden', 'true');
      map.getPane('tilePane').appendChild(this._canvas);
      this._canvas.style.zIndex = 5;
      map.on('moveend resize', this._draw, this);
      this._draw();
    },

    onRemove(map) {
      map.off('moveend resize', this._draw, this);
      this._canvas.remove();
    },

    _draw() {
      const map = this._map, size = map.getSize(), zoom = map.getZoom(), ratio = Math.min(2, window.devicePixelRatio || 1);
      L.DomUtil.setPosition(this._canvas, map.containerPointToLayerPoint([0, 0]));
      this._canvas.width = size.x * ratio; this._canvas.height = size.y * ratio;
      this._canvas.style.width = size.x + 'px'; this._canvas.style.height = size.y + 'px';
      if (zoom < this.options.minZoom) return;
      const draw = this._canvas.getContext('2d'), look = LOOK[this.options.dark ? 'dark' : 'light'];
      draw.scale(ratio, ratio);
      draw.font = `${zoom < 17 ? 12 : 13}px "Source Sans", "Noto Sans", "Noto Sans CJK SC", sans-serif`;
      draw.textAlign = 'center'; draw.textBaseline = 'middle'; draw.lineJoin = 'round';
      draw.lineWidth = 3; draw.strokeStyle = look.halo; draw.fillStyle = look.text;
      const s = this._streets, world = 256 * Math.pow(2, zoom), corner = map.getPixelBounds().min;
      const metre = 1 / (40075016.7 * Math.cos(map.getCenter().lat * Math.PI / 180) / world);
      const taken = [], seen = new Map();
      for (let i = 0; i < s.labels && taken.length < 80; i++) {
        const room = s.labelM[i] * metre;
        if (room < 40) break;                      /* they are sorted, the longest first */
        const px = s.labelX[i] * world - corner.x, py = s.labelY[i] * world - corner.y;
        if (px < 0 || py < 0 || px > size.x || py > size.y) continue;
        const name = s.names[s.name[i]], width = draw.measureText(name).width;
        if (width > room) continue;
        const a = s.angle[i] * Math.PI / 18000, half = width / 2 + 4;
        const w = Math.abs(Math.cos(a)) * half + 8, h = Math.abs(Math.sin(a)) * half + 8;
        if (taken.some(b => Math.abs(b[0] - px) < b[2] + w && Math.abs(b[1] - py) < b[3] + h)) continue;
        if ((seen.get(s.name[i]) || []).some(b => Math.hypot(b[0] - px, b[1] - py) < 260)) continue;
        taken.push([px, py, w, h]);
        seen.set(s.name[i], (seen.get(s.name[i]) || []).concat([[px, py]]));
        draw.save();
        draw.translate(px, py); draw.rotate(a);
        draw.strokeText(name, 0, 0); draw.fillText(name, 0, 0);
        draw.restore();
      }
    },
  });

  /* Fetch a pack and add streets and names to the map; say so on the map if that fails. */
  L.addStreets = function (map, url, options) {
    return fetch(url)
      .then(answer => { if (!answer.ok) throw new Error(answer.status); return answer.arrayBuffer(); })
      .then(buffer => {
        const streets = parse(buffer);
        new L.StreetLayer(streets, { dark: options.dark, pane: 'tilePane' }).addTo(map);
        new L.StreetNames(streets, { dark: options.dark }).addTo(map);
        map.getContainer().dataset.streets = streets.lines;
      })
      .catch(() => {
        const note = L.control({ position: 'topright' });
        note.onAdd = () => { const p = L.DomUtil.create('p', 'map-note'); p.textContent = options.failed; return p; };
        note.addTo(map);
      });
  };
  L.StreetLayer.parse = parse;
})();
