// Any pad with the standard mapping, by the browser's Gamepad API.

import { halt, watch } from './arm.js';
import { declare, GRIPPER, hold, PITCH, ROLL, still, X, Y, YAW, Z } from './input.js';

const A = 0, B = 1, B_X = 2, B_Y = 3, LB = 4, RB = 5, LT = 6, RT = 7, LEFT_STICK = 10;
const DEAD_ZONE = 0.12;
const EVENTS = new Map([[B_Y, 'success'], [A, 'failure'], [B_X, 'rerecord']]);

export const LEGEND = [
  ['RB, held', 'take over'],
  ['left stick', 'move in the plane'],
  ['right stick', 'up, down'],
  ['right stick, LB + left stick', 'turn', 'rotation'],
  ['LT  RT', 'close, open the gripper'],
  ['Y  A  X', 'success, failure, once more'],
  ['left stick pressed, B', 'a real arm: held, the policy acts; stop'],
];

const pressed = new Set();

export function startPad(hasRotation, onFirst) {
  addEventListener('gamepadconnected', onFirst);
  const poll = () => {
    const pads = navigator.getGamepads().filter((pad) => pad && pad.connected && pad.mapping === 'standard');
    hold('pad', pads.length ? read(pads[0], hasRotation()) : null);
    requestAnimationFrame(poll);
  };
  poll();
}

function read(pad, rotates) {
  const button = (index) => pad.buttons[index]?.pressed ?? false;
  const pull = (index) => deaden(pad.buttons[index]?.value ?? 0);
  const [leftX, leftY, rightX, rightY] = [0, 1, 2, 3].map((index) => -deaden(pad.axes[index] ?? 0));
  for (const [index, event] of EVENTS) {
    if (button(index) && !pressed.has(index)) declare(event);
    pressed[button(index) ? 'add' : 'delete'](index);
  }
  watch('pad', button(LEFT_STICK));
  if (button(B)) halt();
  const motion = still();
  const tilts = rotates && button(LB);
  motion[tilts ? PITCH : X] = leftY;
  motion[tilts ? ROLL : Y] = tilts ? -leftX : leftX;
  motion[Z] = rightY;
  motion[YAW] = rotates ? rightX : 0;
  motion[GRIPPER] = pull(RT) - pull(LT);
  return { motion, clutch: button(RB) };
}

function deaden(value) {
  const beyond = Math.max(0, Math.abs(value) - DEAD_ZONE) / (1 - DEAD_ZONE);
  return Math.sign(value) * Math.min(1, beyond);
}
