/* Searches from one place. */

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
