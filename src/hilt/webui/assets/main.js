// The page: devices, buttons and what is shown.

import { startArm } from './arm.js';
import { ask, declare, mySeat, sit, steerTo } from './input.js';
import { LEGEND as KEYS, startKeys } from './keys.js';
import { connect, look, on, send } from './link.js';
import { LEGEND as PAD, startPad } from './pad.js';
import { redraw, showHistory, showPictures, showState } from './show.js';
import { LEGEND as TOUCH, startTouch } from './touch.js';
import { LEGEND as HEADSET, startHeadset } from './xr.js';

const find = (id) => document.getElementById(id);
const SURE_MS = 3000;
let state = { seat: 'free', asks: null, pause_reason: null, has_rotation: false };
let sureUntil = 0;

history.replaceState(null, '', '/'); // the cookie has the token now; the address bar need not show it

const take = () => sit(state.seat === 'taken' ? 'request' : 'toggle');
const leave = () => sit('leave');
const pause = () => ask(state.pause_reason ? 'resume' : 'pause');

function stop() {
  if (performance.now() < sureUntil) {
    ask('stop');
    declare('quit');
    sureUntil = 0;
  } else {
    sureUntil = performance.now() + SURE_MS;
    setTimeout(showStop, SURE_MS + 50);
  }
  showStop();
}

function showStop() {
  find('stop').firstChild.textContent = performance.now() < sureUntil ? 'Sure?' : 'Stop run';
  find('stop').classList.toggle('sure', performance.now() < sureUntil);
}

// What the run may ask, over the picture: label, answer, key, kind.
const ANSWERS = {
  keep: [['Keep ⏎', 'keep', 'Enter', 'good'], ['Discard ⌫', 'discard', 'Backspace', 'bad']],
  begin: [['Enough ⎋', 'enough', 'Escape']],
  ready: [['Go on ⏎', 'ready', 'Enter', 'good']],
  judge: [['Success ⏎', 'succeeded', 'Enter', 'good'], ['Failure ⌫', 'failed', 'Backspace', 'bad']],
};

// False: nothing that this key answers is being asked.
function answerBy(key) {
  const chosen = (ANSWERS[state.asks] ?? []).find(([, , by]) => by === key);
  if (chosen) ask(chosen[1]);
  return Boolean(chosen);
}

// Over the picture: what the person should know or decide now.
function showNotice() {
  const [text, buttons] = noticeOf(state);
  const shown = JSON.stringify([text, buttons.map(([label]) => label)]);
  const notice = find('notice');
  notice.hidden = !text;
  if (notice.dataset.shown !== shown) {
    notice.dataset.shown = shown;
    find('notice-text').textContent = text ?? '';
    find('notice-buttons').replaceChildren(...buttons.map(([label, act, kind]) => button(label, act, kind)));
  }
  const left = state.countdown_s;
  find('countdown').hidden = left === null || left === undefined || left <= 0;
  find('countdown').textContent = left > 0 ? Math.ceil(left) : '';
}

function noticeOf({ seat, asked, asks, pause_reason: paused, message }) {
  if (seat === 'yours' && asked === 'by another') {
    const answer = (yes) => () => send({ type: 'answer', yes });
    return ['Another page asks for control.', [['Hand over', answer(true)], ['Keep it', answer(false)]]];
  }
  if (paused && asks !== 'keep') return [paused, [['Go on', () => ask('resume')]]];
  return [message, (ANSWERS[asks] ?? []).map(([label, answer, , kind]) => [label, () => ask(answer), kind])];
}

function button(label, act, kind = '') {
  const element = document.createElement('button');
  element.textContent = label;
  element.className = kind;
  element.addEventListener('click', act);
  return element;
}

const LEGENDS = {
  Keys: KEYS,
  Pad: PAD,
  Touch: TOUCH,
  Headset: HEADSET,
};
let legend = matchMedia('(pointer: coarse)').matches ? 'Touch' : 'Keys';

function showLegend() {
  find('legend-tabs').replaceChildren(...Object.keys(LEGENDS).map((name) => {
    return button(name, () => { legend = name; showLegend(); }, name === legend ? 'chosen' : '');
  }));
  const rows = LEGENDS[legend].filter(([, , needs]) => needs !== 'rotation' || state.has_rotation);
  find('legend-body').replaceChildren(...rows.map(([keys, meaning]) => {
    const entry = document.createElement('span');
    const key = document.createElement('kbd');
    key.textContent = keys;
    entry.append(key, meaning);
    return entry;
  }));
}

function showSteering() {
  const known = state.heading !== null && state.heading !== undefined;
  find('steer-label').hidden = !known;
  steerTo(known && find('steer').value === 'seen' ? state.heading : 0);
}

on('state', (now) => {
  const legendChanges = now.has_rotation !== state.has_rotation;
  state = now;
  showState(state);
  showNotice();
  showSteering();
  if (legendChanges) showLegend();
});
on('history', showHistory);
on('pictures', showPictures);
on('link', ({ open, reason }) => {
  const isOver = state.phase === 'over';
  find('link').hidden = open || isOver;
  find('link').textContent = reason || 'connection lost, trying again';
  document.body.classList.toggle('offline', !open && !isOver);
});

document.addEventListener('visibilitychange', look);
addEventListener('resize', redraw);
document.addEventListener('click', () => document.activeElement?.blur()); // keys belong to the robot
find('take').addEventListener('click', take);
find('leave').addEventListener('click', leave);
find('pause').addEventListener('click', pause);
find('stop').addEventListener('click', stop);
for (const element of document.querySelectorAll('[data-event]')) {
  element.addEventListener('click', () => declare(element.dataset.event));
}
find('fingers').addEventListener('click', () => { find('touch').hidden = !find('touch').hidden; });
find('touch').hidden = !matchMedia('(pointer: coarse)').matches;

showLegend();
startKeys({ onLeave: leave, onPause: pause, onStop: stop, onAnswer: answerBy });
startPad(() => state.has_rotation, () => { legend = 'Pad'; showLegend(); });
startTouch();
startArm();
startHeadset(find('vr'), () => state);
redraw();
connect();
