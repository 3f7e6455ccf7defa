/* The map: streets from the engine, shelters, danger zones, the way. All names are set as text. */
const ResidentMap = (function () {
  'use strict';
  const SVG = 'http://www.w3.org/2000/svg';
  const SHAPES = {
    yes: 'M4 13l5 5L20 6', no: 'M5 5l14 14M19 5L5 19', unknown: 'M12 3v11M12 18.5v2', plain: 'M12 12v0.1',
    ahead: 'M12 21V4M5 11l7-7 7 7', head: 'M5 18L12 6l7 12', back: 'M7 21V9a5 5 0 0 1 10 0v10M12 14l5 5 5-5',
    arrive: 'M3 12L12 4l9 8M6 10v10h12V10', walk: 'M3 12h.1M9 12h.1M15 12h.1M21 12h.1', };
  const ANGLES = {
    straight: 0, slight_right: 45, right: 90, sharp_right: 135, slight_left: -45, left: -90, sharp_left: -135,
    'start N': 0, 'start NE': 45, 'start E': 90, 'start SE': 135, 'start S': 180, 'start SW': -135, 'start W': -90, 'start NW': -45 };

  /* A small picture that says nothing that is not also said in words. */
  function shape(name, angle) {
    const svg = document.createElementNS(SVG, 'svg'), path = document.createElementNS(SVG, 'path');
    const settings = { viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false', fill: 'none', stroke: 'currentColor', 'stroke-width': name === 'head' ? 5 : 3.2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
    for (const key of Object.keys(settings)) svg.setAttribute(key, settings[key]);
    path.setAttribute('d', SHAPES[name]);
    if (angle) path.setAttribute('transform', `rotate(${angle} 12 12)`);
    svg.appendChild(path);
    return svg;
  }

  function turnShape(turn) {
    if (turn === 'arrive') return shape('arrive');
    if (turn === 'u_turn') return shape('back');
    return turn in ANGLES ? shape('ahead', ANGLES[turn]) : shape('walk');
  }

  function badge(css, picture) {
    const box = document.createElement('div');
    box.className = css;
    if (picture) box.appendChild(picture);
    return box;
  }

  function label(text) {
    const box = document.createElement('span');
    box.textContent = text;
    return box;
  }

  const mercator = (lon, lat) => [lon / 360 + 0.5, (1 - Math.asinh(Math.tan(lat * Math.PI / 180)) / Math.PI) / 2];
  const latLngs = line => {
    const points = [];
    for (let i = 0; i + 1 < line.length; i += 2) points.push([line[i + 1], line[i]]);
    return points;
  };

  /* A tile of streets, drawn by the engine on a canvas of its own. */
  function tile(engine, z, x, y, size, ratio, dark) {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size * ratio;
    const draw = canvas.getContext('2d');
    draw.scale(ratio, ratio);
    engine.draw(draw, z, x, y, size, dark);
    return canvas;
  }

  const Streets = L.GridLayer.extend({
    options: { tileSize: 256, keepBuffer: 1, updateWhenZooming: false, engine: null, dark: () => false },
    createTile(at) {
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      return tile(this.options.engine, at.z, at.x, at.y, 256, ratio, this.options.dark());
    },
  });

  /* Names on one canvas over the view, where they do not cover each other. */
  const Names = L.Layer.extend({
    options: { names: [], dark: () => false, text: name => name },
    initialize(options) { L.setOptions(this, options); },
    onAdd(map) {
      this._canvas = L.DomUtil.create('canvas', 'leaflet-zoom-hide');
      this._canvas.style.pointerEvents = 'none';
      this._canvas.style.zIndex = 5;
      this._canvas.setAttribute('aria-hidden', 'true');
      map.getPane('tilePane').appendChild(this._canvas);
      map.on('moveend resize', this.redraw, this);
      this.redraw();
    },
    redraw() {
      const map = this._map, size = map.getSize(), zoom = map.getZoom(), ratio = Math.min(2, window.devicePixelRatio || 1);
      L.DomUtil.setPosition(this._canvas, map.containerPointToLayerPoint([0, 0]));
      this._canvas.width = size.x * ratio; this._canvas.height = size.y * ratio;
      this._canvas.style.width = `${size.x}px`; this._canvas.style.height = `${size.y}px`;
      const draw = this._canvas.getContext('2d'), box = map.getBounds(), taken = [];
      draw.scale(ratio, ratio);
      for (const one of this.options.names) {
        if (taken.length > 60) break;
        const street = one.kind === 'street';
        if (zoom < (street ? 16 : 13) || !street && one.kind !== 'community' || !box.contains([one.lat, one.lon])) continue;
        place(draw, map.latLngToContainerPoint([one.lat, one.lon]), this.options.text(one.label), street, taken, this.options.dark());
      }
    },
  });

  function place(draw, at, text, street, taken, dark) {
    draw.font = `${street ? 400 : 700} 13px system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif`;
    draw.textAlign = 'center'; draw.textBaseline = 'middle'; draw.lineJoin = 'round'; draw.lineWidth = 3.5;
    const w = draw.measureText(text).width / 2 + 4, h = 10;
    if (taken.some(b => Math.abs(b[0] - at.x) < b[2] + w && Math.abs(b[1] - at.y) < 2 * h)) return;
    taken.push([at.x, at.y, w]);
    draw.strokeStyle = dark ? '#12171b' : '#ffffff';
    draw.fillStyle = dark ? '#e4e8ec' : '#333a40';
    draw.strokeText(text, at.x, at.y);
    draw.fillText(text, at.x, at.y);
  }

  /* Hatched patterns for danger zones, the closer the worse. */
  function hatches(map, gaps) {
    const make = (name, settings, parent) => {
      const made = document.createElementNS(SVG, name);
      for (const key of Object.keys(settings)) made.setAttribute(key, settings[key]);
      return parent.appendChild(made);
    };
    const svg = make('svg', { width: 0, height: 0, 'aria-hidden': 'true' }, map.getContainer());
    gaps.forEach((gap, i) => {
      const hatch = make('pattern', { id: `hatch${i + 1}`, width: gap, height: gap, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' }, svg);
      make('rect', { width: gap, height: gap, fill: `var(--zone${i + 1})`, 'fill-opacity': 0.06 + (i + 1) * 0.05 }, hatch);
      make('rect', { width: 1.8, height: gap, fill: `var(--zone${i + 1})` }, hatch);
    });
  }

  function make(element, engine, page, onTap) {
    const night = window.matchMedia('(prefers-color-scheme: dark)'), still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    const dark = () => night.matches;
    const corners = b => [[b[1], b[0]], [b[3], b[2]]], bounds = corners(engine.head.bounds), home = corners(engine.head.home || engine.head.bounds);
    const map = L.map(element, { zoomControl: false, attributionControl: false, minZoom: 9, maxZoom: 19, zoomSnap: 0.25, maxBounds: L.latLngBounds(bounds).pad(1), zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still });
    map.fitBounds(home);
    map.createPane('zones').style.zIndex = 420;
    map.getPane('zones').style.pointerEvents = 'none';
    hatches(map, page.hatch_gaps);
    const streets = new Streets({ engine, dark }).addTo(map);
    const names = new Names({ names: engine.names, dark }).addTo(map);
    const zones = L.layerGroup().addTo(map), shelters = L.layerGroup().addTo(map), way = L.layerGroup().addTo(map), arrows = L.layerGroup().addTo(map);
    let zoom = null, line = null;
    L.control.scale({ imperial: false }).addTo(map);
    map.on('click', event => onTap(event.latlng.lng, event.latlng.lat));
    map.on('zoomend', () => showArrows());
    const redraw = () => { streets.redraw(); names.redraw(); };
    if (night.addEventListener) night.addEventListener('change', redraw); else night.addListener(redraw);

    function words(w) {
      if (zoom) zoom.remove();
      zoom = L.control.zoom({ zoomInTitle: w.say('map.zoom_in'), zoomOutTitle: w.say('map.zoom_out') }).addTo(map);
      names.options.text = w.translated;
      names.redraw();
    }

    function mark(at, box, tip, z) {
      const size = box.classList.contains('goal') ? 36 : box.classList.contains('you') ? 24 : 20;
      const marker = L.marker(at, { icon: L.divIcon({ className: '', html: box, iconSize: [size, size] }), keyboard: false, zIndexOffset: z, bubblingMouseEvents: true });
      if (tip) marker.bindTooltip(label(tip));
      return marker;
    }

    /* A shelter, out of the order of Tab: browsers stop at whatever in an SVG listens for focus. */
    function dot(at) {
      const made = L.circleMarker(at, { radius: 8, weight: 2, color: '#ffffff', fillColor: '#00703c', fillOpacity: 1 });
      return made.on('add', () => made.getElement().setAttribute('tabindex', '-1'));
    }

    /* The shelters, and the zones of the hazard: those to which nobody is sent carry a cross. */
    function scenario(w, index, excluded) {
      shelters.clearLayers();
      zones.clearLayers();
      for (const [level, shape] of page.zones[page.scenarios[index].zones] || [])
        L.geoJSON(shape, { pane: 'zones', interactive: false, renderer: L.svg({ pane: 'zones' }), style: { weight: 1.5, color: `var(--zone${level})`, fill: true, fillColor: `url(#hatch${level})`, fillOpacity: 1 } }).addTo(zones);
      engine.shelters.forEach((one, i) => {
        const reason = excluded.has(i) ? w.say('resident.marked') : one.reason[index] ? w.of('refusal', one.reason[index]) : '';
        const name = Told.nameOf(w, one.name), at = [one.lat, one.lon];
        if (reason) mark(at, badge('mark not', shape('no')), `${name}: ${reason}`, 100).addTo(shelters);
        else dot(at).bindTooltip(label(name)).addTo(shelters);
      });
    }

    function showArrows() {
      arrows.clearLayers();
      if (!line) return;
      const points = line.map(at => map.project(at)), gap = 80;
      let walked = gap / 2;
      for (let i = 0, made = 0; i + 1 < points.length && made < 60; i++) {
        const dx = points[i + 1].x - points[i].x, dy = points[i + 1].y - points[i].y, length = Math.hypot(dx, dy);
        for (; walked < length && made < 60; walked += gap, made++) {
          const at = map.unproject(L.point(points[i].x + dx * walked / length, points[i].y + dy * walked / length));
          L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: '', iconSize: [16, 16], html: badge('arrow', shape('head', Math.round(Math.atan2(dx, -dy) * 180 / Math.PI))) }) }).addTo(arrows);
        }
        walked -= length;
      }
    }

    /* Move the view after the answer is there to be read: tiles take longer than words. */
    let later = 0;
    function turnTo(box, options) {
      clearTimeout(later);
      later = setTimeout(() => {
        if (box) map.fitBounds(box, options);
        showArrows();
      }, 0);
    }

    /* The place and the way; `option` is null where there is none. */
    function answer(w, place, option, moving) {
      way.clearLayers();
      arrows.clearLayers();
      line = null;
      if (place) {
        const you = [place.lat, place.lon];
        if (place.accuracy_m > 0) L.circle(you, { radius: place.accuracy_m, interactive: false, weight: 2, className: 'route', fillOpacity: 0.1, dashArray: '4 6' }).addTo(way);
        let box = L.latLngBounds([you]);
        if (option) {
          const goal = engine.shelters[option.shelter];
          line = latLngs(option.line);
          for (const [css, weight] of [['casing', 12], ['route', 8]]) L.polyline(line, { weight, opacity: 1, lineJoin: 'round', interactive: false, className: css }).addTo(way);
          if (line.length) for (const leg of [[you, line[0]], [line[line.length - 1], [goal.lat, goal.lon]]])
            L.polyline(leg, { weight: 5, dashArray: '1 9', lineCap: 'round', interactive: false, className: 'route' }).addTo(way);
          mark([goal.lat, goal.lon], badge('mark goal', shape('arrive')), Told.nameOf(w, goal.name), 900).addTo(way);
          box = box.extend(L.latLngBounds(line.concat([[goal.lat, goal.lon]])));
        }
        mark(you, badge('mark you'), w.say('find.you'), 800).addTo(way);
        const around = L.latLngBounds(home), known = around.pad(0.5).contains(you);
        if (option && moving) turnTo(box, { padding: [48, 48], maxZoom: 17, animate: false });
        else if (!map.getBounds().contains(you)) turnTo(known ? around.extend(you) : around, { animate: false });
        else turnTo(null);
      }
    }

    return { words, scenario, answer, resize: () => map.invalidateSize(), leaflet: map };
  }

  /* The way on one canvas, for paper: streets, the line, both ends, always light. */
  function picture(canvas, engine, spot, option, zones, text) {
    const draw = canvas.getContext('2d'), wide = canvas.width, high = canvas.height;
    const goal = engine.shelters[option.shelter], ends = [[spot.lon, spot.lat], [goal.lon, goal.lat]];
    const line = latLngs(option.line).map(([lat, lon]) => [lon, lat]);
    const points = [ends[0]].concat(line, [ends[1]]).map(at => mercator(at[0], at[1]));
    const xs = points.map(p => p[0]), ys = points.map(p => p[1]);
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    let z = 18;
    while (z > 8 && ((x1 - x0) * 512 * 2 ** z > wide - 160 || (y1 - y0) * 512 * 2 ** z > high - 160)) z--;
    const world = 512 * 2 ** z, left = (x0 + x1) / 2 * world - wide / 2, top = (y0 + y1) / 2 * world - high / 2;
    draw.fillStyle = '#fbfaf7';
    draw.fillRect(0, 0, wide, high);
    for (let x = Math.floor(left / 512); x * 512 < left + wide; x++)
      for (let y = Math.floor(top / 512); y * 512 < top + high; y++)
        draw.drawImage(tile(engine, z, x, y, 256, 2, false), Math.round(x * 512 - left), Math.round(y * 512 - top), 512, 512);
    const at = p => [p[0] * world - left, p[1] * world - top];
    drawZones(draw, zones, at);
    const taken = [[...at(points[0]), 20], [...at(points[points.length - 1]), 20]];
    draw.setTransform(2, 0, 0, 2, 0, 0);
    const halved = taken.map(([x, y, w]) => [x / 2, y / 2, w]);
    for (const one of engine.names) {
      const [x, y] = at(mercator(one.lon, one.lat)).map(v => v / 2);
      if (one.kind === 'street' && x > 0 && y > 0 && x < wide / 2 && y < high / 2 && z > 13) place(draw, { x, y }, text(one.label), true, halved, false);
    }
    draw.setTransform(1, 0, 0, 1, 0, 0);
    const trace = (path, colour, width, dash) => {
      draw.beginPath();
      path.forEach((p, i) => draw[i ? 'lineTo' : 'moveTo'](...at(p)));
      Object.assign(draw, { strokeStyle: colour, lineWidth: width, lineJoin: 'round', lineCap: 'round' });
      draw.setLineDash(dash);
      draw.stroke();
    };
    const way = points.slice(1, -1), legs = way.length ? [[points[0], way[0]], [way[way.length - 1], points[points.length - 1]]] : [points];
    trace(way, '#ffffff', 20, []);
    trace(way, '#0b3c8c', 12, []);
    legs.forEach(leg => trace(leg, '#0b3c8c', 8, [1, 16]));
    [[points[0], '#0b0c0c'], [points[points.length - 1], '#00703c']].forEach(([p, colour], i) => {
      draw.setLineDash([]);
      draw.beginPath();
      if (i) draw.rect(at(p)[0] - 17, at(p)[1] - 17, 34, 34); else draw.arc(...at(p), 17, 0, 7);
      Object.assign(draw, { fillStyle: colour, strokeStyle: '#ffffff', lineWidth: 7 });
      draw.stroke();
      draw.fill();
    });
  }

  /* Danger zones on paper: grey and dashed, so that black and white shows them too. */
  function drawZones(draw, zones, at) {
    draw.setLineDash([10, 6]);
    Object.assign(draw, { fillStyle: '#77247a28', strokeStyle: '#77247a', lineWidth: 3 });
    for (const [, shape] of zones)
      for (const rings of shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates) {
        draw.beginPath();
        for (const ring of rings) ring.forEach(([lon, lat], i) => draw[i ? 'lineTo' : 'moveTo'](...at(mercator(lon, lat))));
        draw.fill('evenodd');
        draw.stroke();
      }
  }

  return { make, picture, shape, turnShape };
})();
