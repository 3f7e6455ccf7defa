/* The plane: see plane.py. */

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
