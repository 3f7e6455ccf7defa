/* Polygons: rings in metres; inside is where an odd number of rings is around. */

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
