/* What is said, in words: from an answer of the engine to texts. Nothing here touches the page. */
const Told = (function () {
  'use strict';
  const SURE_M = 50, LEG_TOLD_M = 15;
  const RISING_WATER = ['flood', 'inland_flood', 'storm_surge', 'tsunami'];
  const PATHS = ['footway', 'path', 'pedestrian', 'track', 'corridor', 'cycleway'];
  const thousands = number => String(number).replace(/\B(?=(\d{3})+$)/g, ',');

  /* The words of one language: those of the program, and the study area's own translations. */
  function words(page, lang) {
    const texts = page.words[lang], own = page.translations[lang] || {};
    const has = (table, key) => Object.prototype.hasOwnProperty.call(table, key);
    const say = (key, values) => {
      if (!has(texts, key)) return key;
      return texts[key].replace(/\{(\w+)\}/g, (hole, name) => values && has(values, name) ? String(values[name]) : hole);
    };
    const of = (family, member, values, otherwise) => {
      const key = `${family}.${String(member).replace(/ /g, '_')}`;
      return has(texts, key) ? say(key, values) : otherwise || String(member).replace(/_/g, ' ');
    };
    const count = (family, number) => say(`${family}.${number === 1 ? 'one' : 'many'}`, { number: thousands(number) });
    return {
      lang, say, of, count,
      translated: text => has(own, text) ? own[text] : text,
      /* rounded up, as in the app: never shorter than it is */
      about(distanceM) {
        const tens = Math.max(1, Math.ceil(distanceM / 10 - 1e-6));
        if (tens < 100) return say('unit.m', { number: tens * 10 });
        return say('unit.km', { number: Math.ceil(tens / 10) / 10 });
      },
      /* to the metre, as `shelterplan nearest` prints it */
      metres: distanceM => say('unit.m', { number: thousands(Math.round(distanceM)) }),
      minutes: timeS => count('minutes', Math.max(1, Math.ceil(timeS / 60 - 1e-6))),
      people: number => thousands(Math.round(number)),
      listed: parts => parts.filter(Boolean).join(lang === 'zh' ? '，' : ', '),
    };
  }

  const inside = text => text.slice(0, 1).toLowerCase() + text.slice(1);
  const upper = text => text.slice(0, 1).toUpperCase() + text.slice(1);
  const nameOf = (w, name) => w.translated(name) || w.say('resident.unnamed');
  const limit = (w, standard) => standard.unit === 'm' ? w.metres(standard.value) : w.minutes(standard.value);
  const hazardName = (w, hazard) => w.of('hazard', hazard || 'none');

  /* What sets scenarios apart that have the same hazard and the same walker. */
  function circumstances(w, scenario) {
    return w.listed([
      scenario.phase === 'before' && w.say('when.before'),
      scenario.hazard && scenario.level > 1 && w.say('when.level', { level: scenario.level }),
      scenario.gates === 'emergency' && w.say('when.emergency'),
      scenario.time !== 'any' && w.of('when', scenario.time),
      scenario.delay_s > 0 && w.say('when.delay', { delay: w.minutes(scenario.delay_s) }),
    ]);
  }

  function situation(w, scenario) {
    const hazard = scenario.hazard ? hazardName(w, scenario.hazard) : w.say('resident.no_danger');
    return w.listed([hazard, w.of('walker', scenario.walker), circumstances(w, scenario)]);
  }

  const unsure = place => Boolean(place) && place.accuracy_m > SURE_M;

  function origin(w, place) {
    if (unsure(place)) return w.say('find.from_about', { distance: w.about(place.accuracy_m) });
    return w.of('from', place.how, { name: w.translated(place.name || '') });
  }

  function danger(w, found, scenario) {
    if (!found.hazard_level) return '';
    return w.say('find.in_zone', { hazard: w.of('hazard', scenario.hazard), level: found.hazard_level });
  }

  /* The heading and the lines beneath it where no shelter can be offered. */
  function noWay(w, found, scenario) {
    const status = found.status;
    const more = [w.say(`state.${status === 'outside' ? 'outside_none' : `${status}_more`}`, { distance: w.about(scenario.max_leg_m) })];
    if (status === 'cut_off' || status === 'unsafe') {
      if (status === 'cut_off' && scenario.hazard && scenario.phase === 'during') more.push(w.say('resident.before'));
      if (RISING_WATER.includes(scenario.hazard)) more.push(w.say('instead.up'));
      more.push(w.say('instead.ask'));
    }
    return { line: w.say(`state.${status}`), more };
  }

  /* What is known of a shelter, each with how good that is: yes, no, unknown or plain. */
  function facts(w, page, shelter, option, index) {
    const scenario = page.scenarios[index], standard = page.standard;
    const said = [option.within
      ? ['yes', w.say('resident.within', { limit: limit(w, standard) })]
      : ['no', w.say('resident.beyond', { limit: limit(w, standard) })]];
    const add = (kind, text) => said.push([kind, upper(text)]);
    if (scenario.hazard) {
      const fit = shelter.fitness[index];
      add(fit === 'yes' || fit === 'no' ? fit : 'unknown',
        w.of('fitness', fit, { hazard: inside(w.of('hazard', scenario.hazard)) }, w.say('fitness.unknown', { hazard: inside(w.of('hazard', scenario.hazard)) })));
    }
    if (scenario.wheelchair)
      add(shelter.wheelchair === 'yes' ? 'yes' : 'unknown', w.say(shelter.wheelchair === 'yes' ? 'resident.wheelchair_yes' : 'resident.wheelchair_unknown'));
    const room = shelter.capacity;
    if (room === null || room === undefined) add('unknown', w.say('find.capacity_unknown'));
    else if (room === 0) add('no', w.say('find.capacity', { number: 0 }));
    else add('yes', w.say(shelter.capacity_from === 'area' ? 'find.capacity_area' : 'find.capacity', { number: w.people(room) }));
    const fills = shelter.fills_at_share && shelter.fills_at_share[index];
    if (typeof fills === 'number')
      add('no', fills <= 0 ? w.say('find.fills_none') : w.say('find.fills', { share: share(fills) }));
    const place = shelter.indoor === true ? w.say('resident.indoor') : shelter.indoor === false ? w.say('resident.outdoor') : '';
    add('plain', w.listed([w.of('kind', shelter.kind || 'unknown kind'), place]));
    if (shelter.verified) add('plain', w.say('resident.verified', { date: String(shelter.verified).slice(0, 10) }));
    return said;
  }

  /* In whole per cent, rounded down: full sooner rather than later. */
  function share(value) {
    const number = Math.floor(value * 100 + 1e-9);
    return number ? `${number}\u00a0%` : '<\u00a01\u00a0%';
  }

  function wayOf(step) {
    if (step.steps) return 'steps';
    return PATHS.includes(step.street_class) ? 'path' : 'street';
  }

  /* The way as sentences, each with the turn that its arrow shows. */
  function directions(w, option, name) {
    const said = [];
    if (option.leg_start_m > LEG_TOLD_M) said.push(['', w.say('step.to_street', { distance: w.about(option.leg_start_m) })]);
    for (const step of option.steps) {
      if (step.turn === 'arrive') continue;
      const values = { way: step.name || w.of('way', wayOf(step)), distance: w.about(step.distance_m) };
      const text = step.turn === 'start'
        ? w.say('step.start', Object.assign(values, { bearing: w.of('bearing', step.bearing) }))
        : w.of('turn', step.turn, values);
      said.push([step.turn === 'start' ? `start ${step.bearing}` : step.turn, text + (step.steps && step.name ? w.say('step.stairs') : '')]);
    }
    if (option.leg_end_m > LEG_TOLD_M) said.push(['', w.say('step.from_street', { distance: w.about(option.leg_end_m) })]);
    said.push(['arrive', w.say('step.arrive', { name })]);
    return said;
  }

  /* A name in the form in which names are compared: no accents, no case, no signs. */
  const folded = text => String(text).toLowerCase().replace(/ß/g, 'ss').normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^\p{L}\p{N}]+/gu, ' ').trim();

  const pairs = text => {
    const found = new Map();
    for (let i = 0; i + 1 < text.length; i++) found.set(text.slice(i, i + 2), (found.get(text.slice(i, i + 2)) || 0) + 1);
    return found;
  };

  /* How alike two texts are, 0 to 1: the share of their pairs of letters that they have in common. */
  function alike(one, wanted) {
    let common = 0, all = 0;
    one.forEach((count, pair) => { common += Math.min(count, wanted.get(pair) || 0); all += count; });
    wanted.forEach(count => { all += count; });
    return all ? 2 * common / all : 0;
  }

  /* How well a name holds a text as it stands, 0 if it does not: whole words before parts of words,
     so that "site 6" finds site 6 before site 60. */
  function holds(key, wanted) {
    const at = key.indexOf(wanted), next = key[at + wanted.length];
    if (at < 0) return 0;
    if (key === wanted) return 4;
    if (at > 0 && key[at - 1] !== ' ') return 2;
    return (at ? 2.25 : 3) + (next === undefined || next === ' ' ? 0.5 : 0);
  }

  /* The names that fit a text best, the best first; small slips do not matter. */
  function search(keys, text, most) {
    const wanted = folded(text.slice(0, 100));
    if (!wanted) return [];
    const twos = pairs(wanted), found = [];
    keys.forEach((forms, i) => {
      let best = 0;
      for (const key of forms) {
        let score = holds(key, wanted);
        if (!score && wanted.length > 2) {
          score = Math.max(alike(pairs(key), twos), ...key.split(' ').map(word => alike(pairs(word), twos)));
          if (score < 0.55) score = 0;
        }
        best = Math.max(best, score);
      }
      if (best) found.push([best, forms[0].length, i]);
    });
    found.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
    return found.slice(0, most).map(one => one[2]);
  }

  return { words, nameOf, limit, hazardName, circumstances, situation, unsure, origin, danger, noWay, facts, directions, folded, search };
})();
