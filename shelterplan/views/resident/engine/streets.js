/* Streets. */

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
