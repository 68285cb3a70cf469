// What the person holds, from all devices together, told to the server: at once when it changes, and as a
// sign of life while this page sits at the controls.

import { inSight, on, send } from './link.js';

export const X = 0, Y = 1, Z = 2, ROLL = 3, PITCH = 4, YAW = 5, GRIPPER = 6;
const ALIVE_MS = 80;

const sources = new Map(); // device -> { motion: [7], clutch, hand }
let seat = 'free';
let heading = 0; // [rad] where "forward" points, about z from the robot's x
let told = '', wasActive = false;

export const still = () => [0, 0, 0, 0, 0, 0, 0];
export const mySeat = () => seat === 'yours';
export const steerTo = (angle) => { heading = angle; };
export const headingNow = () => heading;

// A device holds this now; null: it holds nothing.
export function hold(device, held) {
  if (held) sources.set(device, held);
  else sources.delete(device);
  tell(false);
}

export function letGo() {
  sources.clear();
  tell(false);
}

export const declare = (event) => send({ type: 'declare', event });
export const ask = (what) => send({ type: 'ask', what });
export const sit = (what) => send({ type: 'sit', what });

on('state', (state) => { seat = state.seat; });
on('link', ({ open }) => { if (!open) seat = 'free'; });
setInterval(() => tell(true), ALIVE_MS);

function tell(alive) {
  if (!inSight()) return;
  const message = together();
  const text = JSON.stringify(message);
  const active = message.clutch || message.motion.some((value) => value !== 0);
  if ((text !== told && (active || wasActive)) || (alive && mySeat())) {
    send(message);
    [told, wasActive] = [text, active];
  }
}

function together() {
  const motion = still();
  let clutch = false, hand = null;
  for (const source of sources.values()) {
    source.motion.forEach((value, axis) => { motion[axis] += value; });
    clutch = clutch || source.clutch;
    hand = hand || source.hand || null;
  }
  turn(motion, X, Y);
  turn(motion, ROLL, PITCH);
  const rounded = motion.map((value) => Math.round(Math.max(-1, Math.min(1, value)) * 1000) / 1000 + 0);
  return { type: 'hold', motion: rounded, clutch, hand };
}

// Turn two components about z by the heading; the larger never exceeds 1.
function turn(motion, a, b) {
  const [u, v] = [motion[a], motion[b]];
  const [c, s] = [Math.cos(heading), Math.sin(heading)];
  const turned = [u * c - v * s, u * s + v * c];
  const most = Math.max(1, Math.abs(turned[0]), Math.abs(turned[1]));
  [motion[a], motion[b]] = [turned[0] / most, turned[1] / most];
}
