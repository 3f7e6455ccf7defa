/* The engine. */

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
