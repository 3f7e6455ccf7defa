/* How streets look: as views/vendor/street_layer.js draws them. */

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
