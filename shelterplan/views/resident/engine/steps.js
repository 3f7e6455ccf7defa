/* The way in words: see routes.py. */

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
