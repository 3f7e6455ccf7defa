/* The page: what somebody asks, and the answer. Nothing is stored, nothing is sent. */
(function () {
  'use strict';
  const el = id => document.getElementById(id);
  const page = JSON.parse(el('page-data').textContent);
  const MOST_HITS = 8;
  const state = { index: 0, place: null, excluded: new Set(), found: null, problem: '', hits: [], searched: false, busy: false, moving: true, ground: '' };
  /* the language that the address or the file names, else the browser's */
  const wanted = [location.hash.slice(1), page.lang, ...(navigator.languages || []).map(tag => tag.slice(0, 2)), 'en'];
  let w = Told.words(page, wanted.find(lang => Object.prototype.hasOwnProperty.call(page.languages, lang)));
  let engine = null, map = null, keys = [];

  const show = (id, shown) => { el(id).hidden = !shown; };
  const write = (id, text) => { if (el(id).textContent !== text) el(id).textContent = text; };
  function element(name, text, css) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (css) made.className = css;
    return made;
  }
  function button(text, act, label) {
    const made = element('button', text);
    made.type = 'button';
    if (label) made.setAttribute('aria-label', label);
    made.addEventListener('click', act);
    return made;
  }
  const refill = (id, children) => {
    const box = el(id);
    while (box.firstChild) box.removeChild(box.firstChild);
    children.forEach(child => box.appendChild(child));
  };
  const scenario = () => page.scenarios[state.index];

  /* ---- what does not depend on the answer ---- */

  function frame() {
    document.documentElement.lang = page.tags[w.lang];
    const title = w.say('resident.title', { area: w.translated(page.title) });
    document.title = title;
    write('title', title);
    el('languages').setAttribute('aria-label', w.say('resident.language'));
    refill('languages', Object.keys(page.languages).map(lang => {
      const made = button(page.languages[lang], () => speak(lang));
      made.lang = page.tags[lang];
      made.setAttribute('aria-pressed', String(lang === w.lang));
      return made;
    }));
    const shaky = page.illustrative.includes('shelters');
    write('illustrative', shaky ? `${w.say('app.illustrative')} ${w.say('app.illustrative_more')}` : '');
    show('illustrative', shaky);
    write('position', w.say(state.busy ? 'find.locating' : 'find.use_position'));
    write('name-label', w.say('find.name'));
    write('find', w.say('find.go'));
    write('change', w.say('resident.change'));
    write('next', w.say('resident.next'));
    write('marked-title', w.say('resident.marked'));
    write('map-title', w.say('resident.map'));
    write('print', w.say('resident.print'));
    write('check', `${w.say('find.check')} ${w.say('find.check_more')}`);
    el('results').setAttribute('aria-label', w.say('resident.results'));
    write('credit', w.say('app.attribution'));
    about();
    choices();
  }

  function about() {
    const say = w.say;
    write('dated', page.date ? say('resident.dated', { date: page.date }) : say('resident.undated'));
    write('privacy', say('resident.privacy') + (page.installable ? ` ${say('resident.privacy_kept')}` : ''));
    write('about', say('resident.about'));
    write('standard', say('resident.standard', { limit: Told.limit(w, page.standard), certainty: w.of('certainty', page.standard.certainty) }));
    const walkers = page.scenarios.filter((one, i) => page.scenarios.findIndex(other => other.walker === one.walker && other.speed_m_s === one.speed_m_s) === i);
    write('speeds', walkers.map(one => say('resident.speed', { walker: w.of('walker', one.walker), speed: one.speed_m_s, certainty: w.of('certainty', one.certainty) })).join(' '));
    write('left-out', page.left_out.length ? say('resident.left_out', { list: w.listed(page.left_out.map(hazard => w.of('hazard', hazard))) }) : '');
    write('notes-title', say('resident.notes'));
    refill('notes', page.notes.map(note => element('li', w.translated(note))));
    write('sources-title', say('resident.sources'));
    refill('sources', page.sources.map(one => {
      const name = w.translated(one.name);
      const dated = one.date ? say('resident.source_date', { name, date: one.date }) : name;
      return element('li', w.listed([dated, w.translated(one.licence)]));
    }));
    write('made', say('resident.made', { version: page.version }));
    write('licence-title', say('resident.licences'));
  }

  /* Two lists, hazard and walker, where these tell the scenarios apart; else one. */
  function choices() {
    const all = page.scenarios, pair = one => `${one.hazard} ${one.walker}`;
    const told = new Set(all.map(pair)).size === all.length;
    const list = (id, title, options, chosen, take) => {
      const label = element('label'), select = element('select');
      label.appendChild(element('span', title));
      select.id = id;
      options.forEach(([value, text, off]) => {
        const option = element('option', text);
        option.value = value;
        option.disabled = Boolean(off);
        select.appendChild(option);
      });
      select.value = chosen;
      select.addEventListener('change', () => { state.index = take(select.value); state.moving = true; choices(); el(id).focus(); ask(); });
      label.appendChild(select);
      return label;
    };
    const distinct = name => all.map(one => one[name]).filter((value, i, values) => values.indexOf(value) === i);
    const at = (hazard, walker) => all.findIndex(one => one.hazard === hazard && one.walker === walker);
    const now = scenario();
    if (!told) {
      refill('choices', [list('situation', w.say('resident.situation'), all.map((one, i) => [String(i), Told.situation(w, one)]), String(state.index), Number)]);
    } else {
      const hazards = distinct('hazard').map(hazard => {
        const one = all[at(hazard, now.walker) < 0 ? all.findIndex(other => other.hazard === hazard) : at(hazard, now.walker)];
        return [hazard, w.listed([Told.hazardName(w, hazard), Told.circumstances(w, one)])];
      });
      const other = hazard => at(hazard, now.walker) < 0 ? all.findIndex(one => one.hazard === hazard) : at(hazard, now.walker);
      refill('choices', [
        list('hazard', w.say('resident.hazard'), hazards, now.hazard, other),
        list('walker', w.say('resident.walker'), distinct('walker').map(walker => [walker, w.of('walker', walker), at(now.hazard, walker) < 0]), now.walker, walker => at(now.hazard, walker)),
      ]);
    }
    show('choices', all.length > 1);
  }

  function speak(lang) {
    w = Told.words(page, lang);
    frame();
    if (map) map.words(w);
    draw();
    results();
    const pressed = document.querySelector('#languages [aria-pressed="true"]');
    if (pressed) pressed.focus();
  }

  /* ---- the question ---- */

  /* What each name is found by: itself, and what it is called in any language of the page. */
  function names() {
    const all = Object.keys(page.languages).map(lang => Told.words(page, lang));
    keys = engine.names.map(one => Array.from(new Set([one.label].concat(all.map(other => other.translated(one.label))).map(Told.folded))));
  }

  function take(place, jump) {
    state.place = place;
    state.problem = '';
    state.hits = [];
    state.searched = false;
    state.moving = true;
    el('name').value = '';
    results();
    ask();
    if (jump) el('line').focus({ preventScroll: true });
    const top = el('answer').getBoundingClientRect().top;
    if (top < 0 || top > window.innerHeight / 2) el(jump ? 'place' : 'answer').scrollIntoView({ block: 'start' });
  }

  function fail(problem) {
    state.problem = problem;
    state.place = null;
    draw();
  }

  function locate() {
    if (state.busy) return;
    if (window.isSecureContext === false) return fail('insecure');
    if (!navigator.geolocation) return fail('unavailable');
    const busy = yes => {
      state.busy = yes;
      el('position').setAttribute('aria-busy', String(yes));
      write('position', w.say(yes ? 'find.locating' : 'find.use_position'));
    };
    busy(true);
    write('say', w.say('find.locating'));
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { busy(false); take({ lon: coords.longitude, lat: coords.latitude, how: 'position', accuracy_m: coords.accuracy || 0 }, true); },
      error => { busy(false); fail(error.code === 1 ? 'refused' : 'unavailable'); },
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 });
  }

  function search(event) {
    event.preventDefault();
    const text = el('name').value;
    look();
    if (!text.trim()) return fail('no_text');
    if (!state.hits.length) return fail('no_name');
    if (state.hits.length === 1) return takeHit(state.hits[0]);
    el('results').querySelector('button').focus();
  }

  /* List the names that fit what was typed so far. */
  function look() {
    const text = el('name').value;
    state.hits = engine && text.trim() ? Told.search(keys, text, MOST_HITS) : [];
    state.searched = Boolean(text.trim());
    state.problem = '';
    results();
    if (state.searched) write('say', state.hits.length ? w.count('results', state.hits.length) : w.say('problem.no_name'));
    draw();
  }

  function takeHit(i) {
    const one = engine.names[i];
    take({ lon: one.lon, lat: one.lat, how: 'name', name: one.label, accuracy_m: 0 }, true);
  }

  function results() {
    refill('results', state.hits.map(i => {
      const one = engine.names[i], row = element('li'), made = button(w.translated(one.label) || w.say('resident.unnamed'), () => takeHit(i));
      made.appendChild(element('small', ` · ${w.of('kind', one.kind)}`));
      row.appendChild(made);
      return row;
    }));
    show('results', state.hits.length > 0);
  }

  function arrows(event) {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const stops = [el('name')].concat(Array.from(el('results').querySelectorAll('button')));
    const at = stops.indexOf(document.activeElement);
    if (!step || at < 0 || !stops[at + step]) return;
    event.preventDefault();
    stops[at + step].focus();
  }

  /* ---- the answer ---- */

  function ask() {
    if (!engine) return;
    state.found = state.place && engine.find(state.place.lon, state.place.lat, state.index, state.excluded);
    draw();
    if (!state.place) warm();
  }

  /* Look for a way that nobody asked for, so that the first one that somebody asks for is quick. */
  function warm() {
    const [west, south, east, north] = engine.head.home || engine.head.bounds;
    const act = () => { if (!state.place) engine.find((west + east) / 2, (south + north) / 2, state.index, state.excluded); };
    if (window.requestIdleCallback) requestIdleCallback(act, { timeout: 2000 }); else setTimeout(act, 200);
  }

  /* What stands in the heading: the question, a problem, an answer, or why there is none. */
  function outcome() {
    const found = state.found;
    if (state.problem) {
      const line = state.problem === 'insecure' ? w.say('resident.insecure') : w.of('problem', state.problem);
      return { kind: 'problem', line, more: [w.say('instead.more')] };
    }
    if (!state.place || !found) return { kind: 'ask', line: w.say('find.how'), more: [w.say('resident.how_more')] };
    if (!found.option && state.excluded.size && found.status !== 'no_network' && found.status !== 'outside')
      return { kind: 'problem', line: w.say('resident.exhausted'), more: [w.say('resident.exhausted_more')] };
    if (!found.option) return Object.assign({ kind: 'problem' }, Told.noWay(w, found, scenario()));
    const outside = found.status === 'outside' ? [`${w.say('state.outside')}. ${w.say('state.outside_more')}`] : [];
    const name = Told.nameOf(w, engine.shelters[found.option.shelter].name);
    return { kind: 'answer', line: name, more: outside, name };
  }

  function draw() {
    if (!engine) return;
    const told = outcome(), answered = told.kind === 'answer', placed = Boolean(state.place) && !state.problem;
    document.body.dataset.near = answered && !state.found.option.within ? 'no' : 'yes';
    document.body.dataset.state = told.kind === 'problem' && !placed ? 'ask' : told.kind;
    show('ask', !placed);
    show('place', placed);
    show('answer', placed);
    write('ask-title', placed ? '' : told.line);
    refill('ask-more', placed ? [] : told.more.map(text => element('span', text)));
    el('ask').classList.toggle('failed', !placed && told.kind === 'problem');
    write('assumed', Told.situation(w, scenario()));
    if (placed) write('origin', Told.origin(w, state.place));
    answer(told, answered, placed);
    way(answered, told.name);
    zoneKey();
    if (placed || told.kind === 'problem') announce(told, answered);
    afterPaint(drawMap);
  }

  /* Words first: the map follows once they can be read. */
  let drawing = false;
  function afterPaint(act) {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => setTimeout(() => { drawing = false; act(); }));
  }

  function drawMap() {
    if (!map) return;
    const place = state.problem ? null : state.place, ground = `${state.index} ${w.lang} ${Array.from(state.excluded)}`;
    if (ground !== state.ground) map.scenario(w, state.index, state.excluded);
    state.ground = ground;
    map.answer(w, place, place && state.found ? state.found.option : null, state.moving);
    state.moving = false;
  }

  function effort() {
    const option = state.found.option, one = scenario();
    return [element('strong', w.minutes(option.walk_time_s)), element('strong', w.metres(option.distance_m)),
      element('span', w.say('resident.by_walker', { walker: w.of('walker', one.walker) }))];
  }

  function answer(told, answered, placed) {
    const found = state.found;
    const danger = placed && found ? Told.danger(w, found, scenario()) : '';
    write('danger', danger);
    show('danger', Boolean(danger));
    write('kicker', answered ? w.say(`heading.${state.excluded.size ? 'next' : scenario().hazard ? 'usable' : 'found'}`) : '');
    show('kicker', answered);
    write('line', placed ? told.line : '');
    refill('big', answered ? effort() : []);
    show('big', answered);
    const late = answered && scenario().delay_s > 0
      ? [w.say('find.delay', { delay: w.minutes(scenario().delay_s), total: w.minutes(scenario().delay_s + found.option.walk_time_s) })] : [];
    refill('more', placed ? told.more.concat(late).map(text => element('p', text)) : []);
    refill('facts', answered ? Told.facts(w, page, engine.shelters[found.option.shelter], found.option, state.index).map(([kind, text]) => {
      const row = element('li', '', kind);
      row.appendChild(ResidentMap.shape(kind));
      row.appendChild(document.createTextNode(text));
      return row;
    }) : []);
    show('facts', answered);
    show('next', answered);
    refill('marked-list', Array.from(state.excluded).map(i => {
      const row = element('li'), name = Told.nameOf(w, engine.shelters[i].name);
      row.appendChild(element('span', name));
      row.appendChild(button(w.say('resident.undo'), () => exclude(i, false), w.say('resident.undo_name', { name })));
      return row;
    }));
    show('marked', placed && state.excluded.size > 0);
  }

  function way(answered, name) {
    show('way', answered);
    show('print', answered);
    show('skip', true);
    write('skip', w.say(answered ? 'resident.skip' : 'resident.skip_map'));
    el('skip').href = answered ? '#way' : '#after';
    if (!answered) return refill('steps', []);
    const option = state.found.option, stairs = option.steps.some(step => step.steps);
    write('way-title', w.say('find.way', { name }));
    write('stairs', stairs ? w.say('find.stairs') : '');
    show('stairs', stairs);
    refill('steps', Told.directions(w, option, name).map(([turn, text]) => {
      const row = element('li');
      row.appendChild(ResidentMap.turnShape(turn));
      row.appendChild(element('span', text));
      return row;
    }));
  }

  function zoneKey() {
    const shown = (page.zones[scenario().zones] || []).length > 0;
    const text = shown ? w.say('resident.zones', { hazard: w.of('hazard', scenario().hazard) }) : w.say('resident.no_hazard_more');
    write('key-text', shown && page.illustrative.includes('hazards') ? `${text} ${w.say('resident.zones_illustrative')}` : text);
    show('swatch', shown);
    show('key', Boolean(scenario().hazard));
  }

  /* Tell a screen reader the answer in one breath. */
  function announce(told, answered) {
    const parts = [el('danger').textContent];
    if (answered) {
      const option = state.found.option, limit = Told.limit(w, page.standard);
      parts.push(`${el('kicker').textContent}: ${told.line}`, `${w.minutes(option.walk_time_s)}, ${w.metres(option.distance_m)}`,
        w.say(option.within ? 'resident.within' : 'resident.beyond', { limit }));
    } else {
      parts.push(told.line);
    }
    if (Told.unsure(state.place) && !state.problem) parts.push(Told.origin(w, state.place));
    write('say', parts.concat(told.more).filter(Boolean).map(text => /[.。！!？?]$/.test(text) ? text : `${text}${w.lang === 'zh' ? '。' : '.'}`).join(' '));
  }

  function exclude(i, full) {
    if (full) state.excluded.add(i); else state.excluded.delete(i);
    state.moving = true;
    ask();
    el('line').focus({ preventScroll: true });
    if (el('answer').getBoundingClientRect().top < 0) el('answer').scrollIntoView({ block: 'start' });
  }

  /* ---- the start ---- */

  function listen() {
    el('position').addEventListener('click', locate);
    el('search').addEventListener('submit', search);
    el('search').addEventListener('keydown', arrows);
    el('results').addEventListener('keydown', arrows);
    el('name').addEventListener('input', look);
    el('change').addEventListener('click', () => {
      state.place = state.found = null;
      draw();
      el('ask-title').scrollIntoView({ block: 'nearest' });
      el('name').focus({ preventScroll: true });
    });
    el('next').addEventListener('click', () => exclude(state.found.option.shelter, true));
    el('print').addEventListener('click', () => window.print());
    document.addEventListener('pointerdown', () => { document.body.dataset.pointing = 'yes'; });
    document.addEventListener('keydown', () => { delete document.body.dataset.pointing; });
    window.addEventListener('beforeprint', () => {
      if (state.place && state.found && state.found.option) ResidentMap.picture(el('picture'), engine, state.place, state.found.option, page.zones[scenario().zones] || [], w.translated);
    });
  }

  function broken(error) {
    el('too-old').querySelector('.line').textContent = w.say('resident.failed');
    el('too-old').lastElementChild.textContent = `${w.say('resident.failed_more')} (${error && error.message || error})`;
    show('too-old', true);
    document.body.dataset.state = 'failed';
  }

  async function start() {
    frame();
    el('too-old').querySelector('.line').textContent = w.say('resident.loading');
    el('too-old').lastElementChild.textContent = '';
    try {
      engine = await ShelterEngine.open(JSON.parse(el('head-data').textContent), el('blob-data').textContent);
      el('blob-data').remove();
      names();
      map = ResidentMap.make(el('map'), engine, page, (lon, lat) => take({ lon, lat, how: 'tap', accuracy_m: 0 }, false));
    } catch (error) {
      return broken(error);
    }
    show('too-old', false);
    listen();
    map.words(w);
    draw();
    map.resize();
    if (performance.mark) performance.mark('usable');
    document.body.dataset.ready = 'yes';
    warm();
    window.residentMap = { engine, map: map.leaflet, state };
    if (page.installable && 'serviceWorker' in navigator && /^https?:$/.test(location.protocol))
      navigator.serviceWorker.register(page.installable.worker, { scope: page.installable.scope }).catch(() => {});
  }

  start();
})();
