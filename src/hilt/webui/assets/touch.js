// Fingers: two sticks and the gripper. Touching is taking over, letting go is giving back.

import { GRIPPER, hold, still, X, Y, Z } from './input.js';

export const LEGEND = [
  ['sticks', 'held: take over and move'],
  ['open  close', 'the gripper'],
  ['Take over', 'keeps control until you give it back'],
];

const parts = new Map(); // element -> motion

export function startTouch() {
  const find = (id) => document.getElementById(id);
  stick(find('stick-xy'), (right, up) => { const m = still(); m[X] = up; m[Y] = -right; return m; });
  stick(find('stick-z'), (right, up) => { const m = still(); m[Z] = up; return m; });
  press(find('touch-open'), 1);
  press(find('touch-close'), -1);
}

function stick(element, motionOf) {
  const knob = element.querySelector('i');
  const tall = element.classList.contains('tall');
  follow(element, (event) => {
    const box = element.getBoundingClientRect();
    const reach = 0.36 * Math.min(box.width, box.height) * (tall ? 1.3 : 1);
    let right = tall ? 0 : (event.clientX - box.left - box.width / 2) / reach;
    let up = -(event.clientY - box.top - box.height / 2) / reach;
    const length = Math.max(1, Math.hypot(right, up));
    [right, up] = [right / length, up / length];
    knob.style.transform = `translate(${right * reach}px, ${-up * reach}px)`;
    return motionOf(right, up);
  }, () => { knob.style.transform = ''; });
}

function press(element, direction) {
  follow(element, () => { const m = still(); m[GRIPPER] = direction; return m; }, () => {});
}

function follow(element, motionOf, release) {
  const move = (event) => {
    event.preventDefault();
    parts.set(element, motionOf(event));
    element.classList.add('held');
    tell();
  };
  const end = () => {
    parts.delete(element);
    element.classList.remove('held');
    release();
    tell();
  };
  element.addEventListener('pointerdown', (event) => { element.setPointerCapture(event.pointerId); move(event); });
  element.addEventListener('pointermove', (event) => { if (parts.has(element)) move(event); });
  for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture']) element.addEventListener(kind, end);
  element.addEventListener('contextmenu', (event) => event.preventDefault());
}

function tell() {
  const motion = still();
  for (const part of parts.values()) part.forEach((value, axis) => { motion[axis] += value; });
  hold('touch', parts.size ? { motion, clutch: true } : null);
}
