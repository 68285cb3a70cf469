// A headset: the gripper follows the hand while the grip is squeezed, and the pictures float before the eyes.

import { toRobot, yawOf } from './frames.js';
import { declare, GRIPPER, headingNow, hold, still } from './input.js';
import { wear } from './link.js';
import { makePanels } from './panels.js';

const TRIGGER = 0, GRIP = 1, STICK = 3, LOWER = 4, UPPER = 5; // buttons of the xr-standard mapping
const EVENTS = new Map([[UPPER, 'success'], [LOWER, 'failure'], [STICK, 'rerecord']]);
const PULLED = 0.1;

export const LEGEND = [
  ['grip', 'held: take over, the gripper follows your hand'],
  ['trigger', 'pull: close, let go: open'],
  ['B (Y)  A (X)', 'success, failure'],
  ['stick', 'pressed: once more'],
];

const pressed = new Set();
let squeeze = null; // { hand, turn: [rad], pulled } while a grip is squeezed

export async function startHeadset(button, stateOf) {
  if (!navigator.xr || !(await navigator.xr.isSessionSupported('immersive-vr'))) return;
  button.hidden = false;
  button.addEventListener('click', () => enter(stateOf));
}

async function enter(stateOf) {
  const session = await navigator.xr.requestSession('immersive-vr', { optionalFeatures: ['local-floor'] });
  const space = await session.requestReferenceSpace('local-floor')
    .catch(() => session.requestReferenceSpace('local'));
  const panels = await makePanels(session);
  const letGo = () => { squeeze = null; hold('quest', null); };
  session.addEventListener('end', () => { letGo(); wear(false); });
  session.addEventListener('visibilitychange', () => {
    if (session.visibilityState !== 'visible') letGo();
    wear(session.visibilityState === 'visible');
  });
  wear(true);
  session.requestAnimationFrame(function each(time, frame) {
    session.requestAnimationFrame(each);
    const viewer = frame.getViewerPose(space);
    if (!viewer) return letGo(); // tracking is lost
    if (session.visibilityState === 'visible') hold('quest', read(session, frame, space, viewer, time));
    panels.draw(viewer, stateOf());
  });
}

function read(session, frame, space, viewer, time) {
  const hands = [...session.inputSources].filter((source) => source.gamepad && source.gripSpace);
  hands.forEach(declarePresses);
  const hand = hands.find((source) => source === squeeze?.hand && squeezed(source)) ?? hands.find(squeezed);
  const pose = hand && frame.getPose(hand.gripSpace, space);
  if (!pose) {
    squeeze = null;
    return null;
  }
  if (squeeze?.hand !== hand) squeeze = { hand, turn: headingNow() - yawOf(viewer.transform.orientation), pulled: null };
  const motion = still();
  motion[GRIPPER] = grip(hand.gamepad.buttons[TRIGGER]?.value ?? 0);
  return { motion, clutch: true, hand: toRobot(pose.transform, squeeze.turn, time / 1000) };
}

const squeezed = (source) => source.gamepad.buttons[GRIP]?.pressed;

function declarePresses(source) {
  for (const [index, event] of EVENTS) {
    const button = `${source.handedness}${index}`;
    const down = source.gamepad.buttons[index]?.pressed ?? false;
    if (down && !pressed.has(button)) declare(event);
    pressed[down ? 'add' : 'delete'](button);
  }
}

// Squeezing alone leaves the gripper as it is: who takes over must not drop what is held.
function grip(trigger) {
  if (trigger > PULLED) squeeze.pulled = true;
  else if (squeeze.pulled) squeeze.pulled = false;
  return squeeze.pulled === null ? 0 : squeeze.pulled ? -trigger : 1;
}
