/* Finds the nearest shelter of any place, in the browser alone, from what pack.py packed.

   Streets are searched in whole millimetres (or milliseconds), as shelterplan/finder.py does: the
   answers are the same. No modules, nothing is fetched, nothing is kept; ES2018 is enough, and a
   browser without DecompressionStream is served by the small inflate below.

     const engine = await ShelterEngine.open(head, base64);
     engine.find(lon, lat, scenario, excluded)

   Interface: the end of this file. */
var ShelterEngine = (function () {
  'use strict';

  const FIT = 1, USABLE = 2, FULL = 4, OPEN = 8;             /* bits of an entrance, see scenes.py */
  const AHEAD = 1, BACK = 2, THERE = 4;                      /* bits of a street */
  const FAR = 0x7fffffff;
  const EDGE_M = 100;                                        /* so near to a community is inside */
  const TOUCH_M = 0.02;                                      /* zones are kept to a centimetre */
  const ASIDE_M = 0.001;
  const DAMAGED = 'This map file is damaged: get it again.';
  const now = () => (typeof performance === 'object' ? performance.now() : Date.now());

  function rint(x) {                                         /* of two equally near, the even one */
    const low = Math.floor(x), rest = x - low;
    return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 ? low + 1 : low;
  }

  function modulo(x, n) { return ((x % n) + n) % n; }

  /* ---- bytes ---- */

  function fromBase64(text) {
    const signs = atob(text), bytes = new Uint8Array(signs.length);
    for (let i = 0; i < signs.length; i++) bytes[i] = signs.charCodeAt(i);
    return bytes;
  }

  async function unzipped(bytes) {
    if (typeof DecompressionStream !== 'function' || typeof Response !== 'function') return gunzip(bytes);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /* Gzip without the browser's help: RFC 1951 and 1952. */
  function gunzip(bytes) {
    if (bytes[0] !== 31 || bytes[1] !== 139 || bytes[2] !== 8 || bytes[3] !== 0) throw new Error(DAMAGED);
    const end = bytes.length - 8, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const out = new Uint8Array(view.getUint32(end + 4, true));
    inflate(bytes.subarray(10, end), out);
    if (crc32(out) !== view.getUint32(end, true)) throw new Error(DAMAGED);
    return out;
  }

  function crc32(bytes) {
    const table = new Uint32Array(256);
    for (let i = 0; i < 256; i++) {
      let c = i;
      for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
      table[i] = c;
    }
    let crc = 0xffffffff;
    for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
    return ~crc >>> 0;
  }

  function prefixCode(lengths) {                             /* canonical Huffman code */
    const count = new Uint16Array(16), first = new Uint16Array(17), symbol = new Uint16Array(lengths.length);
    for (const n of lengths) count[n]++;
    count[0] = 0;
    for (let n = 1; n < 16; n++) first[n + 1] = first[n] + count[n];
    const next = first.slice();
    for (let s = 0; s < lengths.length; s++) if (lengths[s]) symbol[next[lengths[s]]++] = s;
    /* Codes of up to nine bits at once: nine bits of the stream to symbol and length. */
    const quick = new Uint16Array(512);
    for (let n = 1, code = 0, index = 0; n <= 9; n++, code <<= 1) {
      for (let i = 0; i < count[n]; i++, code++) {
        let turned = 0;
        for (let b = 0; b < n; b++) turned |= ((code >> b) & 1) << (n - 1 - b);
        for (let k = turned; k < 512; k += 1 << n) quick[k] = (symbol[index] << 4) | n;
        index++;
      }
    }
    return { count, symbol, quick };
  }

  function inflate(from, out) {
    let at = 0, bits = 0, held = 0, done = 0, last = 0;
    const take = n => {
      while (held < n) {
        if (at >= from.length) throw new Error(DAMAGED);
        bits |= from[at++] << held; held += 8;
      }
      const got = bits & ((1 << n) - 1);
      bits >>>= n; held -= n;
      return got;
    };
    const symbolOf = code => {
      while (held < 15 && at < from.length) { bits |= from[at++] << held; held += 8; }
      const known = code.quick[bits & 511], size = known & 15;
      if (known && size <= held) { bits >>>= size; held -= size; return known >> 4; }
      let word = 0, first = 0, index = 0;
      for (let n = 1; n < 16; n++) {
        if (!held) throw new Error(DAMAGED);
        word |= bits & 1; bits >>>= 1; held--;
        const count = code.count[n];
        if (word - count < first) return code.symbol[index + word - first];
        index += count; first = (first + count) << 1; word <<= 1;
      }
      throw new Error(DAMAGED);
    };
    const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    const lengthBase = [], lengthMore = [], farBase = [], farMore = [];
    for (let i = 0, base = 3; i < 28; i++) { lengthMore[i] = i < 8 ? 0 : (i - 4) >> 2; lengthBase[i] = base; base += 1 << lengthMore[i]; }
    lengthBase[28] = 258; lengthMore[28] = 0;
    for (let i = 0, base = 1; i < 30; i++) { farMore[i] = i < 4 ? 0 : (i - 2) >> 1; farBase[i] = base; base += 1 << farMore[i]; }
    while (!last) {
      last = take(1);
      const kind = take(2);
      if (kind === 3) throw new Error(DAMAGED);
      if (kind === 0) {
        at -= held >> 3; bits = 0; held = 0;
        const size = from[at] | (from[at + 1] << 8);
        at += 4;
        if (at + size > from.length || done + size > out.length) throw new Error(DAMAGED);
        out.set(from.subarray(at, at + size), done);
        at += size; done += size;
        continue;
      }
      let words, far;
      if (kind === 1) {
        const lengths = new Uint8Array(288).fill(8);
        lengths.fill(9, 144, 256); lengths.fill(7, 256, 280);
        words = prefixCode(lengths); far = prefixCode(new Uint8Array(30).fill(5));
      } else {
        const wordCount = take(5) + 257, farCount = take(5) + 1, codeCount = take(4) + 4;
        const small = new Uint8Array(19), lengths = new Uint8Array(wordCount + farCount);
        for (let i = 0; i < codeCount; i++) small[order[i]] = take(3);
        const code = prefixCode(small);
        for (let i = 0; i < lengths.length;) {
          const s = symbolOf(code);
          if (s < 16) { lengths[i++] = s; continue; }
          const value = s === 16 ? lengths[i - 1] : 0, again = s === 16 ? 3 + take(2) : s === 17 ? 3 + take(3) : 11 + take(7);
          lengths.fill(value, i, i + again); i += again;
        }
        words = prefixCode(lengths.subarray(0, wordCount)); far = prefixCode(lengths.subarray(wordCount));
      }
      for (;;) {
        const s = symbolOf(words);
        if (s === 256) break;
        if (s < 256) {
          if (done >= out.length) throw new Error(DAMAGED);
          out[done++] = s;
          continue;
        }
        const size = lengthBase[s - 257] + take(lengthMore[s - 257]), d = symbolOf(far);
        const back = farBase[d] + take(farMore[d]);
        if (!(back <= done) || !(done + size <= out.length)) throw new Error(DAMAGED);
        for (let i = 0; i < size; i++, done++) out[done] = out[done - back];
      }
    }
    if (done !== out.length) throw new Error(DAMAGED);
  }

  /* Rows of whole numbers: see numbers.py. */
  function numbers(bytes, signed) {
    let count = 0;
    for (let i = 0; i < bytes.length; i++) count += bytes[i] < 128;
    const out = new Int32Array(count);
    for (let i = 0, at = 0; i < count; i++) {
      let byte = bytes[at++], value = byte & 127, shift = 7;
      while (byte > 127) { byte = bytes[at++]; value |= (byte & 127) << shift; shift += 7; }
      out[i] = signed ? (value >>> 1) ^ -(value & 1) : value;
    }
    return out;
  }

  function running(steps) {
    for (let i = 1; i < steps.length; i++) steps[i] += steps[i - 1];
    return steps;
  }

  function sections(raw) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    if (raw.length < 8 || String.fromCharCode(raw[0], raw[1], raw[2], raw[3]) !== 'SPRM') throw new Error(DAMAGED);
    const size = view.getUint32(4, true);
    const table = JSON.parse(new TextDecoder().decode(raw.subarray(8, 8 + size))), part = {};
    if (table.format !== 1) throw new Error('This map file needs a newer page: get both again.');
    let at = 8 + size;
    for (const [name, bytes] of table.sections) { part[name] = raw.subarray(at, at + bytes); at += bytes; }
    if (at !== raw.length) throw new Error(DAMAGED);
    return { table, part };
  }

  /* ---- the plane: see plane.py ---- */

  function horner(powers, t) {
    let value = powers[powers.length - 1];
    for (let i = powers.length - 2; i >= 0; i--) value = value * t + powers[i];
    return value;
  }

  function surface(coefficients, degree, s, t) {             /* the sum of c s^i t^j, i first */
    let value = 0, at = coefficients.length;
    for (let i = degree; i >= 0; i--) {
      const terms = degree + 1 - i;
      at -= terms;
      let inner = coefficients[at + terms - 1];
      for (let j = terms - 2; j >= 0; j--) inner = inner * t + coefficients[at + j];
      value = value * s + inner;
    }
    return value;
  }

  class Plane {
    constructor(facts) {
      this.facts = facts;
      [this.west, this.south] = facts.origin;
      [this.width, this.height] = facts.size;
      this.units = facts.units;
      const middle = this.mm(0), edge = Math.min(horner(facts.mm.x, -1), horner(facts.mm.x, 1), middle[0]);
      /* metres per unit, a little less than anywhere here, for bounds */
      this.least = [edge / 1000 * 0.99, Math.min(horner(facts.mm.y, -1), middle[1], horner(facts.mm.y, 1)) / 1000 * 0.99];
    }
    mm(t) { return [horner(this.facts.mm.x, t), horner(this.facts.mm.y, t)]; }
    east(lon) {                                              /* units from the corner, not rounded */
      const full = 360 * this.units;
      let x = lon * this.units - this.west;
      if (x < 0 || x > this.width) { const turned = modulo(x, full); if (turned <= this.width) x = turned; }
      return x;
    }
    north(lat) { return lat * this.units - this.south; }
    holds(x, y) { return x >= 0 && y >= 0 && x <= this.width && y <= this.height; }
    lon(x) { const lon = (x + this.west) / this.units; return lon > 180 ? lon - 360 : lon; }
    lat(y) { return (y + this.south) / this.units; }
    x(x, y) { return surface(this.facts.x, this.facts.degree, 2 * x / this.width - 1, 2 * y / this.height - 1); }
    y(x, y) { return surface(this.facts.y, this.facts.degree, 2 * x / this.width - 1, 2 * y / this.height - 1); }
    back(mx, my) {                                           /* metres to units */
      const [cx, hx, cy, hy] = this.facts.metric, s = (mx - cx) / hx, t = (my - cy) / hy;
      return [surface(this.facts.lon, this.facts.degree, s, t), surface(this.facts.lat, this.facts.degree, s, t)];
    }
    mercator(x, y) {
      return [((x + this.west) / this.units + 180) / 360, horner(this.facts.mercator, 2 * y / this.height - 1)];
    }
  }

  /* Length and first direction of a short line on the earth: Gauss' mean latitude. */
  function geodesic(lon1, lat1, lon2, lat2) {
    const rad = Math.PI / 180, f = 1 / 298.257223563, e2 = f * (2 - f), a = 6378137;
    const middle = (lat1 + lat2) / 2 * rad, dLon = (modulo(lon2 - lon1 + 180, 360) - 180) * rad, dLat = (lat2 - lat1) * rad;
    const sin = Math.sin(middle), bent = 1 - e2 * sin * sin, n = a / Math.sqrt(bent), m = n * (1 - e2) / bent;
    const east = n * Math.cos(middle) * dLon, north = m * dLat;
    const metres = Math.hypot(east, north);
    if (metres === 0) return { metres, azimuth: 180 };
    return { metres, azimuth: (Math.atan2(east, north) - dLon * sin / 2) / rad };
  }

  /* ---- streets ---- */

  class Streets {
    constructor(table, part, plane) {
      this.table = table; this.plane = plane;
      this.nodes = table.nodes; this.count = table.edges;
      this.u = running(numbers(part.u, true));
      this.v = numbers(part.v, true);
      for (let e = 0; e < this.count; e++) this.v[e] += this.u[e];
      this.kind = table.kinds.length < 256 ? part.kind : numbers(part.kind);
      this.name = numbers(part.name);
      this.points(part);
      this.lengths(numbers(part.mm, true));
      this.incidence();
      this.ways = new Uint8Array(this.count).fill(AHEAD | BACK | THERE);
      for (const e of running(numbers(part.not_forward))) this.ways[e] &= ~AHEAD;
      for (const e of running(numbers(part.not_backward))) this.ways[e] &= ~BACK;
      this.cells();
    }

    points(part) {
      const { count, u, v, nodes } = this, inner = numbers(part.inner), dx = numbers(part.x, true), dy = numbers(part.y, true);
      const total = this.table.points, x = this.px = new Int32Array(total), y = this.py = new Int32Array(total);
      const first = this.first = new Int32Array(count + 1), edge = this.pointEdge = new Int32Array(total);
      const nodeX = this.nodeX = new Int32Array(nodes).fill(-1), nodeY = this.nodeY = new Int32Array(nodes);
      const odd = running(numbers(part.odd_ends));           /* ends that are told although their node is known */
      let at = 0, p = 0, lastX = 0, lastY = 0, nextOdd = 0;
      for (let e = 0; e < count; e++) {
        first[e] = p;
        for (let i = inner[e] + 1; i >= 0; i--, p++) {
          const end = i === inner[e] + 1 ? 2 * e : i === 0 ? 2 * e + 1 : -1, node = end < 0 ? -1 : end & 1 ? v[e] : u[e];
          let told = true;
          if (node >= 0 && nodeX[node] >= 0) {
            told = nextOdd < odd.length && odd[nextOdd] === end;
            if (told) nextOdd++;
          }
          if (told) {
            lastX += dx[at]; lastY += dy[at++];
            if (node >= 0 && nodeX[node] < 0) { nodeX[node] = lastX; nodeY[node] = lastY; }
          } else { lastX = nodeX[node]; lastY = nodeY[node]; }
          x[p] = lastX; y[p] = lastY; edge[p] = e;
        }
      }
      first[count] = p;
      if (p !== total || at !== dx.length) throw new Error(DAMAGED);
    }

    lengths(missing) {
      const { px, py, first, plane, count } = this, mm = this.mm = missing, { x, y } = plane.facts.mm, height = plane.height;
      for (let e = 0; e < count; e++) {
        let total = 0;
        for (let p = first[e], last = first[e + 1] - 1; p < last; p++) {
          const t = (py[p] + py[p + 1]) / height - 1, east = px[p + 1] - px[p], north = py[p + 1] - py[p];
          const kx = horner(x, t), ky = horner(y, t);
          total += Math.sqrt((kx * east) * (kx * east) + (ky * north) * (ky * north));
        }
        mm[e] += Math.floor(total + 0.5);
      }
    }

    incidence() {                                            /* streets of each node: 2 * edge, +1 at its end v */
      const { u, v, count, nodes } = this, ptr = this.ptr = new Int32Array(nodes + 1);
      for (let e = 0; e < count; e++) { ptr[u[e] + 1]++; ptr[v[e] + 1]++; }
      for (let i = 0; i < nodes; i++) ptr[i + 1] += ptr[i];
      const free = ptr.slice(), inc = this.inc = new Int32Array(2 * count);
      for (let e = 0; e < count; e++) { inc[free[u[e]]++] = 2 * e; inc[free[v[e]]++] = 2 * e + 1; }
    }

    cells() {                                                /* segments in cells, of about four each */
      const { px, py, first, count, plane } = this;
      let x0 = FAR, y0 = FAR, x1 = 0, y1 = 0;
      for (let p = 0; p < px.length; p++) {
        if (px[p] < x0) x0 = px[p];
        if (px[p] > x1) x1 = px[p];
        if (py[p] < y0) y0 = py[p];
        if (py[p] > y1) y1 = py[p];
      }
      const segments = px.length - count, [kx, ky] = plane.least;
      const width = (x1 - x0) * kx, height = (y1 - y0) * ky, wanted = Math.max(1, segments / 4);
      let side = Math.max(1, Math.sqrt(width * height / wanted), Math.max(width, height) / wanted);
      const column = new Int32Array(px.length), row = new Int32Array(px.length);
      for (;; side *= 2) {
        const cx = side / kx, cy = side / ky, columns = Math.floor((x1 - x0) / cx) + 1, rows = Math.floor((y1 - y0) / cy) + 1;
        for (let p = 0; p < px.length; p++) { column[p] = (px[p] - x0) / cx; row[p] = (py[p] - y0) / cy; }
        const ptr = new Int32Array(columns * rows + 1);
        if (!this.tally(column, row, columns, ptr) && side < Math.max(width, height)) continue;
        for (let i = 0; i + 1 < ptr.length; i++) ptr[i + 1] += ptr[i];
        const list = new Int32Array(ptr[ptr.length - 1]);
        this.sorted(column, row, columns, ptr.slice(), list);
        this.grid = { x0, y0, x1, y1, cx, cy, side, columns, rows, ptr, list };
        return;
      }
    }

    /* Count the segments whose boxes touch each cell; false if they are far too many. */
    tally(column, row, columns, ptr) {
      const { pointEdge } = this, most = 4 * column.length;
      let entries = 0;
      for (let p = 0; p + 1 < column.length && entries <= most; p++) {
        if (pointEdge[p] !== pointEdge[p + 1]) continue;
        const a = column[p], b = column[p + 1], c = row[p], d = row[p + 1];
        const left = a < b ? a : b, right = a < b ? b : a, low = c < d ? c : d, high = c < d ? d : c;
        entries += (right - left + 1) * (high - low + 1);
        for (let r = low; r <= high && entries <= most; r++) for (let q = left; q <= right; q++) ptr[r * columns + q + 1]++;
      }
      return entries <= most;
    }

    sorted(column, row, columns, free, list) {
      const { pointEdge } = this;
      for (let p = 0; p + 1 < column.length; p++) {
        if (pointEdge[p] !== pointEdge[p + 1]) continue;
        const a = column[p], b = column[p + 1], c = row[p], d = row[p + 1];
        const left = a < b ? a : b, right = a < b ? b : a, low = c < d ? c : d, high = c < d ? d : c;
        for (let r = low; r <= high; r++) for (let q = left; q <= right; q++) list[free[r * columns + q]++] = p;
      }
    }

    /* The nearest street that is allowed: see kernels/edge_grid.py. Of equally near ones the first. */
    nearest(x, y, mx, my, reach, allowed, mask) {
      const { px, py, pointEdge, plane, grid: g } = this;
      const column = Math.floor((x - g.x0) / g.cx), row = Math.floor((y - g.y0) / g.cy);
      let best = reach, found = -1, footX = 0, footY = 0;
      const rings = Math.max(column, row, g.columns - 1 - column, g.rows - 1 - row);
      for (let ring = Math.max(0, -column, -row, column - g.columns + 1, row - g.rows + 1); ring <= rings; ring++) {
        if ((ring - 1) * g.side > best) break;
        for (let r = Math.max(row - ring, 0); r <= Math.min(row + ring, g.rows - 1); r++) {
          const across = r === row - ring || r === row + ring ? 1 : Math.max(1, 2 * ring);
          let c = column - ring;
          if (c < 0) c += Math.ceil(-c / across) * across;
          for (; c <= Math.min(column + ring, g.columns - 1); c += across) {
            const cell = r * g.columns + c;
            for (let i = g.ptr[cell]; i < g.ptr[cell + 1]; i++) {
              const p = g.list[i];
              if (!(allowed[pointEdge[p]] & mask)) continue;
              const xa = plane.x(px[p], py[p]), ya = plane.y(px[p], py[p]);
              const xb = plane.x(px[p + 1], py[p + 1]), yb = plane.y(px[p + 1], py[p + 1]);
              const along = (mx - xa) * (xb - xa) + (my - ya) * (yb - ya), whole = (xb - xa) * (xb - xa) + (yb - ya) * (yb - ya);
              let fx = xa, fy = ya;
              if (along > 0) {
                if (along >= whole) { fx = xb; fy = yb; } else { fx = xa + along / whole * (xb - xa); fy = ya + along / whole * (yb - ya); }
              }
              const metres = Math.hypot(mx - fx, my - fy);
              if (metres > best || (metres === best && found >= 0 && found <= p)) continue;
              best = metres; found = p; footX = fx; footY = fy;
            }
          }
        }
      }
      return found < 0 ? null : { edge: pointEdge[found], segment: found, x: footX, y: footY, metres: best };
    }

    /* Points of one street on the metric plane, and how far along it each lies. */
    metric(edge) {
      const { first, px, py, plane } = this, xs = [], ys = [], along = [0];
      for (let p = first[edge]; p < first[edge + 1]; p++) { xs.push(plane.x(px[p], py[p])); ys.push(plane.y(px[p], py[p])); }
      for (let i = 1; i < xs.length; i++) along.push(along[i - 1] + Math.hypot(xs[i] - xs[i - 1], ys[i] - ys[i - 1]));
      return { xs, ys, along, length: along[along.length - 1] };
    }

    share(foot) {                                            /* of the street that lies before a point on it */
      const line = this.metric(foot.edge), i = foot.segment - this.first[foot.edge];
      const before = line.along[i] + Math.hypot(foot.x - line.xs[i], foot.y - line.ys[i]);
      return line.length > 0 ? Math.min(1, before / line.length) : 0;
    }

    /* Part of a street in walking direction, [lon, lat, lon, lat, ...]. */
    part(edge, start, stop) {
      const { first, px, py, plane } = this, whole = Math.max(this.mm[edge], 1), out = [];
      if (Math.abs(stop - start) >= whole) {
        for (let p = first[edge]; p < first[edge + 1]; p++) out.push([plane.lon(px[p]), plane.lat(py[p])]);
        return start === 0 ? out : out.reverse();
      }
      const line = this.metric(edge), low = Math.min(start, stop) / whole * line.length, high = Math.max(start, stop) / whole * line.length;
      out.push(pointAlong(line, low, plane));
      for (let i = 0; i < line.xs.length; i++) {
        if (line.along[i] > low && line.along[i] < high) out.push([plane.lon(px[first[edge] + i]), plane.lat(py[first[edge] + i])]);
      }
      if (start === stop) return out.slice(0, 1);
      out.push(pointAlong(line, high, plane));
      return start < stop ? out : out.reverse();
    }
  }

  function metricAlong(line, at) {
    let i = 1;
    while (i < line.along.length - 1 && line.along[i] < at) i++;
    const step = line.along[i] - line.along[i - 1], share = step > 0 ? Math.min(1, Math.max(0, (at - line.along[i - 1]) / step)) : 0;
    return [line.xs[i - 1] + share * (line.xs[i] - line.xs[i - 1]), line.ys[i - 1] + share * (line.ys[i] - line.ys[i - 1])];
  }

  function pointAlong(line, at, plane) {
    const [x, y] = plane.back(...metricAlong(line, at));
    return [plane.lon(x), plane.lat(y)];
  }

  /* ---- polygons: rings in metres; inside is where an odd number of rings is around ---- */

  function shapes(part, prefix) {
    const ringCount = numbers(part[prefix + '_shape']), pointCount = numbers(part[prefix + '_ring']);
    const x = running(numbers(part[prefix + '_x'], true)), y = running(numbers(part[prefix + '_y'], true));
    let ring = 0, at = 0;
    return Array.from(ringCount, rings => {
      const shape = { rings: [], box: [Infinity, Infinity, -Infinity, -Infinity] };
      for (let i = 0; i < rings; i++) {
        const size = pointCount[ring++], points = new Float64Array(2 * size);
        for (let k = 0; k < size; k++, at++) {
          const px = points[2 * k] = x[at] / 100, py = points[2 * k + 1] = y[at] / 100, b = shape.box;
          if (px < b[0]) b[0] = px;
          if (py < b[1]) b[1] = py;
          if (px > b[2]) b[2] = px;
          if (py > b[3]) b[3] = py;
        }
        shape.rings.push(points);
      }
      return shape;
    });
  }

  function inside(shape, x, y) {
    const b = shape.box;
    if (x < b[0] || y < b[1] || x > b[2] || y > b[3]) return false;
    let odd = false;
    for (const ring of shape.rings) {
      for (let i = 0, k = ring.length - 2; i < ring.length; k = i, i += 2) {
        const ya = ring[i + 1], yb = ring[k + 1];
        if ((ya > y) !== (yb > y) && x < (ring[k] - ring[i]) * (y - ya) / (yb - ya) + ring[i]) odd = !odd;
      }
    }
    return odd;
  }

  function near(shape, x, y, metres) {
    const b = shape.box;
    if (x < b[0] - metres || y < b[1] - metres || x > b[2] + metres || y > b[3] + metres) return false;
    if (inside(shape, x, y)) return true;
    for (const ring of shape.rings) {
      for (let i = 0, k = ring.length - 2; i < ring.length; k = i, i += 2) {
        const dx = ring[i] - ring[k], dy = ring[i + 1] - ring[k + 1], whole = dx * dx + dy * dy;
        const t = whole > 0 ? Math.max(0, Math.min(1, ((x - ring[k]) * dx + (y - ring[k + 1]) * dy) / whole)) : 0;
        if (Math.hypot(x - ring[k] - t * dx, y - ring[k + 1] - t * dy) <= metres) return true;
      }
    }
    return false;
  }

  /* Whether a straight way begins on closed ground or runs through it: see closures.py. */
  function blocked(ground, xa, ya, xb, yb) {
    const covered = (x, y) => ground.some(shape => inside(shape, x, y));
    if (covered(xa, ya)) return true;
    const dx = xb - xa, dy = yb - ya, length = Math.hypot(dx, dy);
    if (!(length > TOUCH_M)) return false;
    const cuts = [0, 1];
    for (const { rings, box: b } of ground) {
      if (Math.max(xa, xb) < b[0] || Math.max(ya, yb) < b[1] || Math.min(xa, xb) > b[2] || Math.min(ya, yb) > b[3]) continue;
      for (const ring of rings) {
        for (let i = 0, k = ring.length - 2; i < ring.length; k = i, i += 2) {
          const ex = ring[i] - ring[k], ey = ring[i + 1] - ring[k + 1], cross = dx * ey - dy * ex;
          if (cross === 0) continue;
          const wx = ring[k] - xa, wy = ring[k + 1] - ya, t = (wx * ey - wy * ex) / cross, s = (wx * dy - wy * dx) / cross;
          if (t > 0 && t < 1 && s >= 0 && s <= 1) cuts.push(t);
        }
      }
    }
    cuts.sort((a, b) => a - b);
    const ax = -dy / length * ASIDE_M, ay = dx / length * ASIDE_M;
    for (let i = 1; i < cuts.length; i++) {
      if ((cuts[i] - cuts[i - 1]) * length <= TOUCH_M) continue;
      const t = (cuts[i] + cuts[i - 1]) / 2, x = xa + t * dx, y = ya + t * dy;
      if (covered(x + ax, y + ay) && covered(x - ax, y - ay)) return true;
    }
    return false;
  }

  /* ---- one walker under one scenario ---- */

  class Walks {                                              /* what walkers of like abilities share */
    constructor(streets, facts, part, prefix) {
      this.maxLeg = facts.max_leg_m; this.slack = facts.island_slack_m;
      this.ways = streets.ways.slice();                      /* the whole network */
      for (const e of running(numbers(part[prefix + '_barred']))) this.ways[e] = 0;
      this.liked = new Uint8Array(streets.count);
      for (let e = 0; e < streets.count; e++) this.liked[e] = this.ways[e] & THERE;
      for (const e of running(numbers(part[prefix + '_unliked']))) this.liked[e] = 0;
      this.doorEdge = numbers(part[prefix + '_door_edge']);
      this.doorMm = numbers(part[prefix + '_door_mm']);
      this.doorLeg = numbers(part[prefix + '_door_leg_mm']);
    }
    /* An entrance on the whole network, or null. */
    door(row, streets) {
      const edge = this.doorEdge[row] - 1;
      return edge < 0 ? null : { edge, offset: this.doorMm[row], leg: this.doorLeg[row], from: 0, to: streets.mm[edge] };
    }
  }

  class Scene {
    constructor(core, number) {
      const { streets, table, part } = core, told = table.scenes[number], prefix = 's' + number;
      this.streets = streets; this.facts = core.head.scenarios[number];
      this.walks = core.walks(told.walks);
      this.zones = told.zones.map(i => ({ level: table.zones[i], shape: core.zones[i] }));
      this.ground = told.ground.map(i => core.zones[i]);
      this.bits = part[prefix + '_doors'];
      this.ways = this.walks.ways.slice();                   /* the open network */
      for (const e of running(numbers(part[prefix + '_gone']))) this.ways[e] = 0;
      this.pieces = new Map();
      const parent = running(numbers(part[prefix + '_piece'])), start = numbers(part[prefix + '_piece_start']), long = numbers(part[prefix + '_piece_mm']);
      parent.forEach((edge, i) => this.pieces.set(edge, (this.pieces.get(edge) || []).concat([[start[i], start[i] + long[i]]])));
      this.byTime = this.facts.by === 's';
      this.timed = this.byTime || !this.facts.open_uniform;
      this.slope = this.facts.slope ? core.slope(this.facts.slope) : null;
      if (this.timed) this.times();
      this.cost = this.byTime ? [this.ms[0], this.ms[1]] : [streets.mm, streets.mm];
      this.owner = core.owner;
      this.sets = {};
    }

    times() {
      const { streets } = this, ahead = new Int32Array(streets.count), back = this.slope ? new Int32Array(streets.count) : ahead;
      for (let e = 0; e < streets.count; e++) {
        ahead[e] = this.flat(e, streets.mm[e], true);
        if (this.slope) back[e] = this.flat(e, streets.mm[e], false);
      }
      this.ms = [ahead, back];
    }

    /* Time over a street, or a piece of one that is cut, from end to end [ms]. */
    flat(edge, mm, ahead) {
      const steps = this.streets.table.kinds[this.streets.kind[edge]][1];
      const flat = mm / (steps ? this.facts.stairs_speed_m_s : this.facts.speed_m_s);
      return rint(this.slope ? flat * (this.slope[ahead ? 0 : 1][edge] / 1e5) : flat);
    }

    partMs(edge, from, to, mm, ahead) {
      const whole = this.streets.mm[edge], ms = from === 0 && to === whole ? this.ms[ahead ? 0 : 1][edge] : this.flat(edge, to - from, ahead);
      return rint(ms * (mm / Math.max(to - from, 1)));
    }

    legMs(mm) { return rint(mm * (1 / this.facts.speed_m_s)); }

    /* A place of the whole network on the open one; null where it is closed. */
    opened(place) {
      if (!place || this.ways[place.edge] & THERE) return place;
      const all = (this.pieces.get(place.edge) || []).filter(([from, to]) => from <= place.offset && place.offset <= to);
      if (!all.length) return null;
      const [from, to] = all[all.length - 1];
      return Object.assign({}, place, { from, to });
    }

    /* Ways between a place and the nodes of its street: [node, cost, whether it is u]; see ends.py. */
    ends(place, leaving, byTime) {
      const { streets } = this, { edge, offset, leg, from, to } = place, ways = this.walks.ways[edge], whole = streets.mm[edge], out = [];
      const cost = (mm, ahead) => (byTime ? this.partMs(edge, from, to, mm, ahead) + this.legMs(leg) : mm + leg);
      if (from === 0 && ways & (leaving ? BACK : AHEAD)) out.push([streets.u[edge], cost(offset, !leaving), true]);
      if (to === whole && ways & (leaving ? AHEAD : BACK)) out.push([streets.v[edge], cost(to - offset, leaving), false]);
      return out;
    }

    /* The way along one street from a place to an entrance on it; Infinity if there is none. */
    direct(place, door) {
      if (place.edge !== door.edge || place.from !== door.from || place.to !== door.to) return Infinity;
      const ahead = door.offset - place.offset, ways = this.walks.ways[place.edge];
      if ((ahead > 0 && !(ways & AHEAD)) || (ahead < 0 && !(ways & BACK))) return Infinity;
      if (!this.byTime) return Math.abs(ahead) + place.leg + door.leg;
      return this.partMs(place.edge, place.from, place.to, Math.abs(ahead), ahead > 0) + this.legMs(place.leg) + this.legMs(door.leg);
    }

    /* Entrances that have any of some bits, by node and by street. */
    targets(bits, open) {
      const key = bits + (open ? 'o' : 'w');
      if (this.sets[key]) return this.sets[key];
      const node = new Map(), edge = new Map(), put = (map, at, item) => { const list = map.get(at); if (list) list.push(item); else map.set(at, [item]); };
      for (let row = 0; row < this.bits.length; row++) {
        if (!(this.bits[row] & bits)) continue;
        let door = this.walks.door(row, this.streets);
        if (open) door = this.bits[row] & OPEN ? this.opened(door) : null;
        if (!door) continue;
        put(edge, door.edge, [row, door]);
        for (const [at, cost, atU] of this.ends(door, false, this.byTime)) put(node, at, [row, cost, atU, door]);
      }
      return (this.sets[key] = { node, edge });
    }

    /* The least way from every node to an entrance that is used: no way is shorter [mm, ms]. */
    prepare() {
      if (this.least) return;
      const { streets } = this, { u, v, ptr, inc, nodes } = streets, [ahead, back] = this.cost, ways = this.ways;
      const least = new Int32Array(nodes).fill(FAR), waits = new Uint8Array(nodes), nearby = new Int32Array(nodes), far = new Int32Array(nodes);
      let nFar = 0, nNear = 0, threshold = 0, sum = 0;
      for (let e = 0; e < streets.count; e++) sum += ahead[e];
      const step = Math.max(1, Math.floor(2 * sum / Math.max(1, streets.count)));
      for (const [node, doors] of this.targets(FIT, true).node) {
        for (const door of doors) if (door[1] < least[node]) least[node] = door[1];
        waits[node] = 2; far[nFar++] = node;
      }
      while (nFar > 0) {
        let lowest = FAR, kept = 0;
        for (let i = 0; i < nFar; i++) {
          const node = far[i], cost = least[node];
          if (cost < threshold) { waits[node] = 0; continue; }
          if (cost < lowest) lowest = cost;
          far[kept++] = node;
        }
        if (!kept) break;
        threshold = lowest + step; nFar = nNear = 0;
        for (let i = 0; i < kept; i++) {
          const node = far[i];
          if (least[node] < threshold) { waits[node] = 1; nearby[nNear++] = node; } else far[nFar++] = node;
        }
        while (nNear > 0) {
          const x = nearby[--nNear], here = least[x];
          waits[x] &= 2;
          for (let i = ptr[x]; i < ptr[x + 1]; i++) {
            const e = inc[i] >> 1, atV = inc[i] & 1;
            if (!(ways[e] & (atV ? AHEAD : BACK))) continue;
            const y = atV ? u[e] : v[e], there = here + (atV ? ahead[e] : back[e]);
            if (there >= least[y]) continue;
            least[y] = there;
            if (there < threshold) {
              if (!(waits[y] & 1)) { waits[y] |= 1; nearby[nNear++] = y; }
            } else if (!(waits[y] & 2)) { waits[y] |= 2; far[nFar++] = y; }
          }
        }
      }
      this.least = least;
    }
  }

  /* ---- searches from one place ---- */

  class Search {
    constructor(streets) {
      this.streets = streets; this.run = 0;
      this.seen = new Int32Array(streets.nodes); this.cost = new Float64Array(streets.nodes); this.via = new Int32Array(streets.nodes);
      this.key = []; this.node = []; this.size = 0;
    }

    push(key, node) {
      const { key: keys, node: nodes } = this;
      let i = this.size++;
      while (i > 0) {
        const up = (i - 1) >> 1;
        if (keys[up] <= key) break;
        keys[i] = keys[up]; nodes[i] = nodes[up]; i = up;
      }
      keys[i] = key; nodes[i] = node;
    }

    pop() {
      const { key: keys, node: nodes } = this, top = nodes[0], key = keys[--this.size], node = nodes[this.size], size = this.size;
      this.popped = keys[0];
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= size) break;
        if (child + 1 < size && keys[child + 1] < keys[child]) child++;
        if (keys[child] >= key) break;
        keys[i] = keys[child]; nodes[i] = nodes[child]; i = child;
      }
      keys[i] = key; nodes[i] = node;
      return top;
    }

    /* The nearest entrance that is accepted, no farther than `bound`; of equals the first shelter. */
    nearest(scene, place, open, targets, accept, bound) {
      const { u, v, ptr, inc } = this.streets, { seen, cost, via } = this, run = ++this.run;
      const ways = open ? scene.ways : scene.walks.ways, [ahead, back] = scene.cost, owner = scene.owner;
      const least = open && targets === scene.sets[FIT + 'o'] ? scene.least : null;
      let best = null;
      const offer = (row, total, node, door, atU) => {
        if (!accept(row) || total > bound) return;
        if (best && (total > best.total || (total === best.total && (owner[row] > best.owner || (owner[row] === best.owner && row >= best.row))))) return;
        best = { row, owner: owner[row], total, node, door, atU };
      };
      for (const [row, door] of targets.edge.get(place.edge) || []) {
        const total = scene.direct(place, door);
        if (total < Infinity) offer(row, total, -1, door, false);
      }
      this.size = 0;
      const reach = (node, total, from) => {
        if (seen[node] === run && cost[node] <= total) return;
        let key = total;
        if (least) { if (least[node] === FAR) return; key += least[node]; }
        seen[node] = run; cost[node] = total; via[node] = from;
        this.push(key, node);
      };
      for (const [node, total, atU] of scene.ends(place, true, scene.byTime)) reach(node, total, atU ? -1 : -2);
      while (this.size) {
        const x = this.pop(), here = cost[x], key = least ? here + least[x] : here;
        if (this.popped > key) continue;                     /* a shorter way came later */
        if (key > bound || (best && key > best.total)) break;
        for (const [row, more, atU, door] of targets.node.get(x) || []) offer(row, here + more, x, door, atU);
        for (let i = ptr[x]; i < ptr[x + 1]; i++) {
          const e = inc[i] >> 1, atV = inc[i] & 1;
          if (ways[e] & (atV ? BACK : AHEAD)) reach(atV ? u[e] : v[e], here + (atV ? back[e] : ahead[e]), inc[i]);
        }
      }
      return best;
    }

    /* Whether any accepted entrance can be reached, however far. */
    any(scene, place, open, targets, accept) {
      if (!place) return false;
      for (const [row, door] of targets.edge.get(place.edge) || []) if (accept(row) && scene.direct(place, door) < Infinity) return true;
      const { u, v, ptr, inc } = this.streets, { seen } = this, run = ++this.run, ways = open ? scene.ways : scene.walks.ways, queue = [];
      const add = node => { if (seen[node] !== run) { seen[node] = run; queue.push(node); } };
      for (const [node] of scene.ends(place, true, false)) add(node);
      for (let next = 0; next < queue.length; next++) {
        const x = queue[next], doors = targets.node.get(x);
        if (doors && doors.some(door => accept(door[0]))) return true;
        for (let i = ptr[x]; i < ptr[x + 1]; i++) {
          const e = inc[i] >> 1, atV = inc[i] & 1;
          if (ways[e] & (atV ? BACK : AHEAD)) add(atV ? u[e] : v[e]);
        }
      }
      return false;
    }

    /* Parts of streets from a place to the entrance that `nearest` found: see routes.py. */
    way(place, best) {
      const { u, v, mm } = this.streets, door = best.door;
      if (best.node < 0) return { nodes: [], pieces: [{ edge: place.edge, from: place.from, to: place.to, start: place.offset, stop: door.offset }] };
      const passed = [];
      let node = best.node, from = this.via[node];
      const nodes = [node];
      while (from >= 0) {
        const e = from >> 1, atV = from & 1;                 /* the street was entered at its end v */
        passed.push({ edge: e, from: 0, to: mm[e], start: atV ? mm[e] : 0, stop: atV ? 0 : mm[e] });
        node = atV ? v[e] : u[e]; nodes.push(node); from = this.via[node];
      }
      const first = { edge: place.edge, from: place.from, to: place.to, start: place.offset, stop: from === -1 ? 0 : mm[place.edge] };
      const last = { edge: door.edge, from: door.from, to: door.to, start: best.atU ? 0 : mm[door.edge], stop: door.offset };
      return { nodes: nodes.reverse(), pieces: [first].concat(passed.reverse(), [last]) };
    }
  }

  /* ---- the way in words: see routes.py ---- */

  const COMPASS = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'];
  const TURNS = [[25, ''], [60, 'slight_'], [120, 'plain'], [165, 'sharp_']];
  const LOOK_M = 12, SAME_WAY = 45;

  function bearing(line, atEnd) {
    const points = atEnd ? line.slice().reverse() : line, [lon, lat] = points[0];
    let look = null;
    for (const [x, y] of points) {
      look = geodesic(lon, lat, x, y);
      if (look.metres >= LOOK_M) break;
    }
    return modulo(look.azimuth + (atEnd ? 180 : 0), 360);
  }

  function turn(before, after) {
    const change = modulo(after - before + 180, 360) - 180, side = change > 0 ? 'right' : 'left';
    for (const [bound, kind] of TURNS) {
      if (Math.abs(change) <= bound) return !kind ? 'straight' : kind === 'plain' ? side : kind + side;
    }
    return 'u_turn';
  }

  function told(streets, pieces, lines, legEnd) {
    const steps = [], { kinds, names } = streets.table;
    let previous = 0;
    pieces.forEach((piece, i) => {
      const [street, stairs] = kinds[streets.kind[piece.edge]], number = streets.name[piece.edge], name = number ? names[number - 1] : '';
      const heading = bearing(lines[i], false), bend = Math.abs(modulo(heading - previous + 180, 360) - 180), last = steps[steps.length - 1];
      const metres = Math.abs(piece.stop - piece.start) / 1000;
      if (last && last.name === name && last.street_class === street && last.steps === stairs && bend <= SAME_WAY) last.distance_m += metres;
      else steps.push({ turn: last ? turn(previous, heading) : 'start', name, street_class: street, steps: stairs, bearing: COMPASS[rint(heading / 45) % 8], distance_m: metres });
      previous = bearing(lines[i], true);
    });
    steps.push({ turn: 'arrive', name: '', street_class: '', steps: false, bearing: '', distance_m: legEnd });
    return steps;
  }

  function joined(lines) {
    const out = [];
    let last = null;
    for (const line of lines) for (const [x, y] of line) {
      if (last && Math.abs(x - last[0]) <= 1e-9 && Math.abs(y - last[1]) <= 1e-9) continue;
      out.push(x, y); last = [x, y];
    }
    if (out.length === 2) out.push(out[0], out[1]);
    return Float64Array.from(out);
  }

  /* ---- how streets look: as views/vendor/street_layer.js draws them ---- */

  const LOOK = {
    light: ['#8a5a2b', '#b9a58c', '#b4bac1', '#8d96a0'],
    dark: ['#c79a63', '#6b6152', '#566069', '#77838f'],
  };
  const WIDTH = [
    z => z < 15 ? 0 : z < 17 ? 2 : 4,
    z => z < 14 ? 0 : z < 16 ? 1 : z < 18 ? 2 : 3,
    z => z < 12 ? 0 : z < 14 ? 0.7 : z < 16 ? 1.6 : z < 18 ? 4 : 7,
    z => z < 12 ? 1 : z < 14 ? 1.6 : z < 16 ? 3 : z < 18 ? 6 : 10,
  ];

  /* ---- the engine ---- */

  class Engine {
    constructor(head, raw) {
      const { table, part } = sections(raw);
      if (table.version !== head.version) throw new Error('This map file is mixed from two: get it again.');
      this.head = head; this.table = table; this.part = part;
      this.plane = new Plane(table.plane);
      this.streets = new Streets(table, part, this.plane);
      this.owner = numbers(part.door_shelter);
      this.zones = shapes(part, 'zone');
      this.outline = shapes(part, 'outline')[0];
      this.search = new Search(this.streets);
      this.scenarios = head.scenarios;
      this.shelters = table.shelters;
      const { kinds, kind, label, lon, lat } = table.places;
      this.names = label.map((text, i) => ({ label: text, kind: kinds[kind[i]], lon: this.plane.lon(lon[i]), lat: this.plane.lat(lat[i]) }));
      this.timing = {};
      this._walks = []; this._scenes = []; this._slopes = {};
    }

    walks(i) { return this._walks[i] || (this._walks[i] = new Walks(this.streets, this.table.walks[i], this.part, 'w' + i)); }

    scene(i) {
      if (!this.scenarios[i]) throw new Error('There is no scenario ' + i + '.');
      return this._scenes[i] || (this._scenes[i] = new Scene(this, i));
    }

    slope(name) {
      return this._slopes[name] || (this._slopes[name] = ['forward', 'backward'].map(way => numbers(this.part[name + '_' + way])));
    }

    /* Make a scenario quick; `find` works without, too. */
    prepare(i) { this.scene(i).prepare(); }

    snap(walks, lon, lat, x, y, mx, my) {
      const { streets, plane } = this, reach = walks.maxLeg * 1.01 + 0.01;
      const legOf = foot => {
        if (!foot) return -1;
        const [ux, uy] = plane.back(foot.x, foot.y);
        return rint(geodesic(lon, lat, plane.lon(ux), plane.lat(uy)).metres * 1000);
      };
      let foot = streets.nearest(x, y, mx, my, reach, walks.ways, THERE), leg = legOf(foot);
      if (!foot) return null;
      if (!walks.liked[foot.edge]) {
        const other = streets.nearest(x, y, mx, my, reach, walks.liked, THERE), otherLeg = legOf(other);
        if (other && otherLeg / 1000 <= walks.maxLeg && otherLeg - leg <= walks.slack * 1000) { foot = other; leg = otherLeg; }
      }
      if (leg / 1000 > walks.maxLeg) return null;
      const whole = streets.mm[foot.edge];
      return { edge: foot.edge, offset: rint(streets.share(foot) * whole), leg, from: 0, to: whole };
    }

    moved(scene, place, mx, my) {
      if (!scene.ground.length) return scene.opened(place);
      const line = this.streets.metric(place.edge), whole = Math.max(this.streets.mm[place.edge], 1);
      const [fx, fy] = metricAlong(line, place.offset / whole * line.length);
      return blocked(scene.ground, mx, my, fx, fy) ? null : scene.opened(place);
    }

    find(lon, lat, number, excluded) {
      if (!(Math.abs(lat) <= 90) || !isFinite(lon)) throw new Error('This is no place on the earth.');
      const started = now(), scene = this.scene(number), { plane, search, owner } = this, x = plane.east(lon), y = plane.north(lat);
      const none = (status, leg, level) => ({ status, leg_m: leg, hazard_level: level, option: null, more: false });
      if (!plane.holds(x, y)) return none('outside', Infinity, 0);
      const mx = plane.x(x, y), my = plane.y(x, y), within = near(this.outline, mx, my, EDGE_M);
      let level = 0;
      for (const zone of scene.zones) if (zone.level > level && inside(zone.shape, mx, my)) level = zone.level;
      const place = this.snap(scene.walks, lon, lat, x, y, mx, my);
      if (!place) return none(within ? 'no_network' : 'outside', Infinity, level);
      const moved = this.moved(scene, place, mx, my), left = new Set(excluded || []), accept = row => !left.has(owner[row]);
      const targets = scene.targets(FIT, true);
      let best = null, more = false;
      if (moved && (scene.least && !left.size || search.any(scene, moved, true, targets, accept))) best = search.nearest(scene, moved, true, targets, accept, FAR);
      const leg = place.leg / 1000;
      if (!best) return none(within ? this.whyNot(scene, place, moved, accept) : 'outside', leg, level);
      const option = this.option(scene, moved, best);
      more = search.any(scene, moved, true, targets, row => accept(row) && owner[row] !== best.owner);
      this.timing.find_ms = now() - started;
      return { status: within ? 'ok' : 'outside', leg_m: leg, hazard_level: level, option, more };
    }

    option(scene, place, best) {
      const { streets } = this, way = this.search.way(place, best), { facts } = scene, door = best.door;
      let mm = place.leg + door.leg, ms = scene.timed ? scene.legMs(place.leg) + scene.legMs(door.leg) : 0;
      for (const p of way.pieces) {
        const long = Math.abs(p.stop - p.start);
        mm += long;
        if (scene.timed) ms += scene.partMs(p.edge, p.from, p.to, long, p.stop > p.start);
      }
      const pieces = way.pieces.length === 1 ? way.pieces : way.pieces.filter(p => p.start !== p.stop);
      const lines = pieces.map(p => streets.part(p.edge, p.start, p.stop));
      const corners = way.nodes.map(i => [this.plane.lon(streets.nodeX[i]), this.plane.lat(streets.nodeY[i])]);
      const distance = mm / 1000, time = facts.open_uniform && !scene.byTime ? distance / facts.speed_m_s : ms / 1000;
      return {
        shelter: best.owner, distance_m: distance, walk_time_s: time,
        within: facts.limit >= 0 && rint((scene.byTime ? time : distance) * 1000) <= facts.limit,
        leg_start_m: place.leg / 1000, leg_end_m: door.leg / 1000,
        line: joined(lines.length ? lines : [corners]), steps: told(streets, pieces, lines, door.leg / 1000),
      };
    }

    /* Why no shelter is found: finder._why_not, with the rules of coverage.py. */
    whyNot(scene, place, moved, accept) {
      const { search } = this, limit = scene.facts.limit;
      const isNear = (from, bits, open) => Boolean(from) && limit >= 0 && search.nearest(scene, from, open, scene.targets(bits, open), accept, limit) !== null;
      const isWay = (from, bits, open) => search.any(scene, from, open, scene.targets(bits, open), accept);
      if (isNear(moved, FIT | FULL, true)) return 'no_path';  /* full, which is told elsewhere */
      if (isNear(moved, USABLE, true)) return 'unsafe';
      if (isNear(place, FIT, false)) return 'cut_off';
      const ifRoom = isWay(moved, FIT | FULL, true);
      if (!ifRoom && isWay(place, FIT, false)) return 'cut_off';
      if (isNear(place, USABLE, false)) return 'unsafe';
      return ifRoom || isWay(place, USABLE, false) ? 'unsafe' : 'no_path';
    }

    /* Zones of a scenario for drawing: level (0: closed by hand), rings of lon, lat. */
    areas(number) {
      const { table, plane } = this, scene = table.scenes[number];
      return Array.from(new Set(scene.zones.concat(scene.ground)), i => ({
        level: table.zones[i], closed: scene.ground.indexOf(i) >= 0,
        rings: this.zones[i].rings.map(ring => {
          const out = new Float64Array(ring.length);
          for (let k = 0; k < ring.length; k += 2) {
            const [x, y] = plane.back(ring[k], ring[k + 1]);
            out[k] = plane.lon(x); out[k + 1] = plane.lat(y);
          }
          return out;
        }),
      }));
    }

    draw(ctx, z, x, y, size, dark) {
      const { streets, plane } = this, { px, py, pointEdge, grid: g, kind } = streets, kinds = streets.table.kinds;
      const world = size * Math.pow(2, z), left = x * size, top = y * size, margin = 12;
      const [ax] = plane.mercator(0, 0), [bx] = plane.mercator(plane.width, 0), perX = (bx - ax) / plane.width;
      const unitsX = px_ => ((px_ + left) / world - ax) / perX;
      const unitsY = py_ => {                                /* by halving: north is up */
        const wanted = (py_ + top) / world;
        let low = 0, high = plane.height;
        for (let i = 0; i < 32; i++) { const m = (low + high) / 2; if (plane.mercator(0, m)[1] > wanted) low = m; else high = m; }
        return low;
      };
      const clamp = (v, n) => Math.max(0, Math.min(n - 1, Math.floor(v)));
      const [u0, u1, v0, v1] = [unitsX(-margin), unitsX(size + margin), unitsY(size + margin), unitsY(-margin)];
      if (u1 < g.x0 || u0 > g.x1 || v1 < g.y0 || v0 > g.y1) return;
      const c0 = clamp((u0 - g.x0) / g.cx, g.columns), c1 = clamp((u1 - g.x0) / g.cx, g.columns), r0 = clamp((v0 - g.y0) / g.cy, g.rows), r1 = clamp((v1 - g.y0) / g.cy, g.rows);
      const sx = perX * world, ox = ax * world - left, powers = plane.facts.mercator, half = 2 / plane.height;
      const Y = at => horner(powers, at * half - 1) * world - top;
      ctx.lineJoin = 'round';
      for (const cls of [1, 2, 3, 0]) {
        const width = WIDTH[cls](z);
        if (!width) continue;
        ctx.beginPath();
        ctx.strokeStyle = LOOK[dark ? 'dark' : 'light'][cls]; ctx.lineWidth = width; ctx.lineCap = cls ? 'round' : 'butt';
        ctx.setLineDash(cls ? [] : [2, 2]);
        for (let row = r0; row <= r1; row++) for (let i = g.ptr[row * g.columns + c0]; i < g.ptr[row * g.columns + c1 + 1]; i++) {
          const p = g.list[i];
          if (kinds[kind[pointEdge[p]]][2] !== cls) continue;
          ctx.moveTo(px[p] * sx + ox, Y(py[p]));
          ctx.lineTo(px[p + 1] * sx + ox, Y(py[p + 1]));
        }
        ctx.stroke();
      }
      ctx.setLineDash([]);
    }
  }

  async function open(head, base64) {
    const started = now();
    let engine;
    try {
      const raw = await unzipped(fromBase64(base64)), unzippedAt = now();
      engine = new Engine(head, raw);
      engine.timing.unzip_ms = unzippedAt - started;
    } catch (error) {
      const known = error instanceof Error && /^This map/.test(error.message);
      throw known ? error : new Error(DAMAGED);
    }
    const decoded = now();
    engine.timing.decode_ms = decoded - started;
    if (engine.scenarios.length) engine.prepare(0);
    engine.timing.prepare_ms = now() - decoded;
    let next = 1;
    const idle = typeof requestIdleCallback === 'function' ? work => requestIdleCallback(work) : work => setTimeout(work, 400);
    const more = () => { if (next < engine.scenarios.length) { engine.prepare(next++); idle(more); } };
    idle(more);
    return engine;
  }

  return { open, gunzip };
})();
