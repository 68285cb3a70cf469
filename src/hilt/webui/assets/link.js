// The socket: reconnects by itself, says what it is told to say, and hands on what comes.

const listeners = { state: [], history: [], scene: [], frame: [], pictures: [], link: [] };
let socket = null;
let retry = 250;
let roundTrip = null;
let worn = false;
let draws = false;

export const on = (kind, listener) => listeners[kind].push(listener);
const emit = (kind, value) => listeners[kind].forEach((listener) => listener(value));

export const connected = () => socket !== null && socket.readyState === WebSocket.OPEN;
export const roundTripMs = () => roundTrip;

export function send(message) {
  if (connected()) socket.send(JSON.stringify(message));
}

export function connect() {
  socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/socket`);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    retry = 250;
    emit('link', { open: true });
    look();
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) return receive(data);
    const message = JSON.parse(data);
    if (message.type === 'pong') roundTrip = performance.now() - message.time_ms;
    else emit(message.type, message);
  };
  socket.onclose = ({ reason }) => {
    emit('link', { open: false, reason });
    setTimeout(connect, retry);
    retry = Math.min(4000, retry * 2);
  };
}

// A person sees the page, or wears a headset that shows it.
export const inSight = () => worn || !document.hidden;
export const look = () => send({ type: 'look', looking: inSight(), draws });

// Whether this page draws a scene by itself, and needs no picture of it.
export function drawScenes(can) {
  draws = can;
  look();
}

export function wear(now) {
  worn = now;
  look();
}

setInterval(() => send({ type: 'ping', time_ms: performance.now() }), 1000);

// The first four bytes say what it is.
function receive(buffer) {
  const tag = new TextDecoder().decode(new Uint8Array(buffer, 0, 4));
  if (tag === 'pose') emit('frame', new Float32Array(buffer, 4));
  else if (tag === 'pics') emit('pictures', unpack(buffer));
}

// The tag, the length of the header, the header, the JPEGs one after the other.
function unpack(buffer) {
  const length = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  let start = 8 + length;
  return header.map(([name, bytes]) => {
    const blob = new Blob([new Uint8Array(buffer, start, bytes)], { type: 'image/jpeg' });
    start += bytes;
    return [name, blob];
  });
}
