/* One walker under one scenario. */

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
