// Blocks of data: see ragbench/render/html/block.py for the layout.
const ARRAYS = { Int8: Int8Array, Int16: Int16Array, Int32: Int32Array, Float32: Float32Array };

async function bytesOf(name) {
  const place = byId("block-" + name);
  const binary = atob(place.textContent.trim());
  place.remove();
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function readBlock(name) {
  const buffer = await bytesOf(name);
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [key, [kind, at, count]] of Object.entries(head.arrays)) {
    arrays[key] = new ARRAYS[kind](buffer, 4 + length + at, count);
  }
  return { ...head, arrays };
}

// A block is read once, when it is first asked for.
const waiting = {};
function block(name) {
  waiting[name] = waiting[name] || readBlock(name);
  return waiting[name];
}
