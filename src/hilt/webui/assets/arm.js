// A real arm: the button that stops it, and the one that is held so that the policy may act.

import { on, send } from './link.js';

const ALIVE_MS = 100;
const find = (id) => document.getElementById(id);
const held = new Set(); // what holds: the key, the button, the pad
let arm = false;

const guard = (what) => { if (arm) send({ type: 'guard', what }); };
export const halt = () => { held.clear(); guard('halt'); show(); };
const show = () => find('watch').classList.toggle('held', held.size > 0);

// A device holds, or no longer does.
export function watch(device, holds) {
  if (holds === held.has(device)) return;
  held[holds ? 'add' : 'delete'](device);
  guard(held.size ? 'hold' : 'release');
  show();
}

on('state', (state) => {
  arm = state.arm;
  find('arm').hidden = !arm;
  find('watch').hidden = !state.hold_to_run;
});
on('link', ({ open }) => { if (!open) { held.clear(); show(); } });
setInterval(() => { if (held.size) guard('hold'); }, ALIVE_MS);

// Losing the keyboard, or the sight of the page, lets go.
export function startArm() {
  find('halt').addEventListener('pointerdown', halt);
  find('watch').addEventListener('pointerdown', () => watch('button', true));
  for (const kind of ['pointerup', 'pointercancel', 'blur']) addEventListener(kind, () => watch('button', false));
  addEventListener('blur', () => watch('key', false));
  document.addEventListener('visibilitychange', () => { for (const device of [...held]) watch(device, false); });
  addEventListener('keydown', (event) => {
    if (!arm || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === 'KeyX') halt();
    if (event.code === 'KeyH') watch('key', true);
  });
  addEventListener('keyup', (event) => { if (event.code === 'KeyH') watch('key', false); });
}
