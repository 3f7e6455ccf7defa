/* Bytes. */

function fromBase64(text) {
  const signs = atob(text), bytes = new Uint8Array(signs.length);
  for (let i = 0; i < signs.length; i++) bytes[i] = signs.charCodeAt(i);
  return bytes;
}

async function unzipped(bytes) {
  if (typeof DecompressionStream !== 'function' || typeof Response !== 'function') return gunzip(bytes);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Gzip without the browser's help: RFC 1951 and 1952. */
function gunzip(bytes) {
  if (bytes[0] !== 31 || bytes[1] !== 139 || bytes[2] !== 8 || bytes[3] !== 0) throw new Error(DAMAGED);
  const end = bytes.length - 8, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out = new Uint8Array(view.getUint32(end + 4, true));
  inflate(bytes.subarray(10, end), out);
  if (crc32(out) !== view.getUint32(end, true)) throw new Error(DAMAGED);
  return out;
}

function crc32(bytes) {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    table[i] = c;
  }
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function prefixCode(lengths) {                             /* canonical Huffman code */
  const count = new Uint16Array(16), first = new Uint16Array(17), symbol = new Uint16Array(lengths.length);
  for (const n of lengths) count[n]++;
  count[0] = 0;
  for (let n = 1; n < 16; n++) first[n + 1] = first[n] + count[n];
  const next = first.slice();
  for (let s = 0; s < lengths.length; s++) if (lengths[s]) symbol[next[lengths[s]]++] = s;
  /* Codes of up to nine bits at once: nine bits of the stream to symbol and length. */
  const quick = new Uint16Array(512);
  for (let n = 1, code = 0, index = 0; n <= 9; n++, code <<= 1) {
    for (let i = 0; i < count[n]; i++, code++) {
      let turned = 0;
      for (let b = 0; b < n; b++) turned |= ((code >> b) & 1) << (n - 1 - b);
      for (let k = turned; k < 512; k += 1 << n) quick[k] = (symbol[index] << 4) | n;
      index++;
    }
  }
  return { count, symbol, quick };
}

function inflate(from, out) {
  let at = 0, bits = 0, held = 0, done = 0, last = 0;
  const take = n => {
    while (held < n) {
      if (at >= from.length) throw new Error(DAMAGED);
      bits |= from[at++] << held; held += 8;
    }
    const got = bits & ((1 << n) - 1);
    bits >>>= n; held -= n;
    return got;
  };
  const symbolOf = code => {
    while (held < 15 && at < from.length) { bits |= from[at++] << held; held += 8; }
    const known = code.quick[bits & 511], size = known & 15;
    if (known && size <= held) { bits >>>= size; held -= size; return known >> 4; }
    let word = 0, first = 0, index = 0;
    for (let n = 1; n < 16; n++) {
      if (!held) throw new Error(DAMAGED);
      word |= bits & 1; bits >>>= 1; held--;
      const count = code.count[n];
      if (word - count < first) return code.symbol[index + word - first];
      index += count; first = (first + count) << 1; word <<= 1;
    }
    throw new Error(DAMAGED);
  };
  const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const lengthBase = [], lengthMore = [], farBase = [], farMore = [];
  for (let i = 0, base = 3; i < 28; i++) { lengthMore[i] = i < 8 ? 0 : (i - 4) >> 2; lengthBase[i] = base; base += 1 << lengthMore[i]; }
  lengthBase[28] = 258; lengthMore[28] = 0;
  for (let i = 0, base = 1; i < 30; i++) { farMore[i] = i < 4 ? 0 : (i - 2) >> 1; farBase[i] = base; base += 1 << farMore[i]; }
  while (!last) {
    last = take(1);
    const kind = take(2);
    if (kind === 3) throw new Error(DAMAGED);
    if (kind === 0) {
      at -= held >> 3; bits = 0; held = 0;
      const size = from[at] | (from[at + 1] << 8);
      at += 4;
      if (at + size > from.length || done + size > out.length) throw new Error(DAMAGED);
      out.set(from.subarray(at, at + size), done);
      at += size; done += size;
      continue;
    }
    let words, far;
    if (kind === 1) {
      const lengths = new Uint8Array(288).fill(8);
      lengths.fill(9, 144, 256); lengths.fill(7, 256, 280);
      words = prefixCode(lengths); far = prefixCode(new Uint8Array(30).fill(5));
    } else {
      const wordCount = take(5) + 257, farCount = take(5) + 1, codeCount = take(4) + 4;
      const small = new Uint8Array(19), lengths = new Uint8Array(wordCount + farCount);
      for (let i = 0; i < codeCount; i++) small[order[i]] = take(3);
      const code = prefixCode(small);
      for (let i = 0; i < lengths.length;) {
        const s = symbolOf(code);
        if (s < 16) { lengths[i++] = s; continue; }
        const value = s === 16 ? lengths[i - 1] : 0, again = s === 16 ? 3 + take(2) : s === 17 ? 3 + take(3) : 11 + take(7);
        lengths.fill(value, i, i + again); i += again;
      }
      words = prefixCode(lengths.subarray(0, wordCount)); far = prefixCode(lengths.subarray(wordCount));
    }
    for (;;) {
      const s = symbolOf(words);
      if (s === 256) break;
      if (s < 256) {
        if (done >= out.length) throw new Error(DAMAGED);
        out[done++] = s;
        continue;
      }
      const size = lengthBase[s - 257] + take(lengthMore[s - 257]), d = symbolOf(far);
      const back = farBase[d] + take(farMore[d]);
      if (!(back <= done) || !(done + size <= out.length)) throw new Error(DAMAGED);
      for (let i = 0; i < size; i++, done++) out[done] = out[done - back];
    }
  }
  if (done !== out.length) throw new Error(DAMAGED);
}

/* Rows of whole numbers: see numbers.py. */
function numbers(bytes, signed) {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) count += bytes[i] < 128;
  const out = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    let byte = bytes[at++], value = byte & 127, shift = 7;
    while (byte > 127) { byte = bytes[at++]; value |= (byte & 127) << shift; shift += 7; }
    out[i] = signed ? (value >>> 1) ^ -(value & 1) : value;
  }
  return out;
}

function running(steps) {
  for (let i = 1; i < steps.length; i++) steps[i] += steps[i - 1];
  return steps;
}

function sections(raw) {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  if (raw.length < 8 || String.fromCharCode(raw[0], raw[1], raw[2], raw[3]) !== 'SPRM') throw new Error(DAMAGED);
  const size = view.getUint32(4, true);
  const table = JSON.parse(new TextDecoder().decode(raw.subarray(8, 8 + size))), part = {};
  if (table.format !== 1) throw new Error('This map file needs a newer page: get both again.');
  let at = 8 + size;
  for (const [name, bytes] of table.sections) { part[name] = raw.subarray(at, at + bytes); at += bytes; }
  if (at !== raw.length) throw new Error(DAMAGED);
  return { table, part };
}
