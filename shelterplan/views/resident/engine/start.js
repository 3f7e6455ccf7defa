/* What all parts of the engine share. */

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
