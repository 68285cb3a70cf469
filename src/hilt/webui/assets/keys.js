// The keyboard. Motions go by the place of a key, commands by its letter.

import { declare, GRIPPER, hold, letGo, PITCH, ROLL, sit, still, X, Y, YAW, Z } from './input.js';

const AXES = {
  ArrowUp: [X, 1], KeyW: [X, 1], ArrowDown: [X, -1], KeyS: [X, -1],
  ArrowLeft: [Y, 1], KeyA: [Y, 1], ArrowRight: [Y, -1], KeyD: [Y, -1],
  KeyE: [Z, 1], PageUp: [Z, 1], KeyC: [Z, -1], PageDown: [Z, -1],
  KeyF: [GRIPPER, -1], KeyG: [GRIPPER, 1],
  KeyU: [ROLL, 1], KeyJ: [ROLL, -1], KeyI: [PITCH, 1], KeyK: [PITCH, -1], KeyO: [YAW, 1], KeyL: [YAW, -1],
};
const SLOWLY = 0.3;

export const LEGEND = [
  ['Space', 'take over, give back'],
  ['← ↑ ↓ → or W A S D', 'move in the plane'],
  ['E  C', 'up, down'],
  ['F  G', 'close, open the gripper'],
  ['U J  I K  O L', 'turn about x, y, z', 'rotation'],
  ['Shift', 'held: slowly'],
  ['Enter  Esc  R', 'success, failure, once more'],
  ['P   Q Q   V', 'pause, stop the run, only watch'],
];

const down = new Set();
let slowly = false;

export function startKeys({ onLeave, onPause, onStop, onAnswer }) {
  const commands = {
    ' ': () => sit('toggle'),
    Enter: () => onAnswer('Enter') || declare('success'),
    Backspace: () => onAnswer('Backspace'),
    Escape: () => onAnswer('Escape') || declare('failure'),
    r: () => declare('rerecord'),
    p: onPause,
    v: onLeave,
    q: onStop,
  };
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('select, input')) return;
    const command = commands[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!AXES[event.code] && !command && event.key !== 'Shift') return;
    event.preventDefault();
    slowly = event.shiftKey;
    if (AXES[event.code]) down.add(event.code);
    else if (command && !event.repeat) command();
    tell();
  });
  addEventListener('keyup', (event) => {
    slowly = event.shiftKey;
    if (event.key === ' ') event.preventDefault(); // or it would press the button that has the focus
    down.delete(event.code);
    tell();
  });
  addEventListener('blur', () => { down.clear(); letGo(); }); // releases are not told of to another window
}

function tell() {
  const motion = still();
  for (const code of down) {
    const [axis, direction] = AXES[code];
    motion[axis] = Math.max(-1, Math.min(1, motion[axis] + direction));
  }
  const scale = slowly ? SLOWLY : 1;
  const scaled = motion.map((value, axis) => value * (axis === GRIPPER ? 1 : scale));
  hold('keys', down.size ? { motion: scaled, clutch: false } : null);
}
