// The state of the run, on the page.

import { drawCurves, drawTimeline } from './draw.js';
import { connected, roundTripMs } from './link.js';

const find = (id) => document.getElementById(id);
const canvases = new Map(); // camera -> canvas, the big one is "view"
const PATIENCE_MS = 700; // who waits for less than this need not be told of
let episodes = [], curve = [], biggest = null, chosen = false, waitsSince = null;

export const pictureCanvases = () => canvases;

export async function showPictures(pictures) {
  const decoded = await Promise.all(pictures.map(async ([name, blob]) => [name, await createImageBitmap(blob)]));
  if (!chosen && biggest !== 'view' && decoded.some(([name]) => name === 'view')) enlarge('view', false);
  for (const [name, bitmap] of decoded) {
    const canvas = canvases.get(name) ?? newCanvas(name);
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    canvas.dataset.pictures = Number(canvas.dataset.pictures ?? 0) + 1;
    bitmap.close();
  }
}

// Show this camera large, and the others beside it.
function enlarge(name, byHand = true) {
  chosen = chosen || byHand;
  biggest = name;
  canvases.clear();
  find('cameras').replaceChildren();
}

function newCanvas(name) {
  biggest = biggest ?? name;
  let canvas = find('big');
  if (name !== biggest) {
    const figure = document.createElement('figure');
    canvas = document.createElement('canvas');
    const caption = document.createElement('figcaption');
    caption.textContent = name;
    figure.append(canvas, caption);
    figure.addEventListener('click', () => enlarge(name));
    figure.title = 'show it large';
    find('cameras').append(figure);
  }
  canvas.dataset.camera = name;
  canvases.set(name, canvas);
  return canvas;
}

export function showHistory(history) {
  ({ episodes, curve } = history);
  drawCurves(find('curves'), curve);
}

export function redraw() {
  drawCurves(find('curves'), curve);
}

export function showState(state) {
  const mine = state.seat === 'yours';
  document.body.dataset.control = controlOf(state);
  document.body.dataset.seat = state.seat;
  document.body.dataset.drives = state.drives ? 'yes' : 'no';
  find('badge').textContent = badge(state, mine);
  find('phase').textContent = state.phase;
  find('phase').hidden = !state.phase;
  find('status').textContent = statusOf(state);
  find('watchers').textContent = state.watchers > 1 ? `${state.watchers} pages` : '';
  const takes = find('take').querySelector('b');
  const driving = mine && (state.control === 'driving') && !state.sole;
  find('leave').hidden = !mine || driving || state.sole;
  find('take').hidden = mine && state.sole; // who drives throughout has nothing to take over
  takes.textContent = state.seat === 'taken' ? (state.asked === 'by you' ? 'Asked …' : 'Ask for control')
    : driving ? 'Give back' : 'Take over';
  find('pause').firstChild.textContent = state.pause_reason ? 'Go on' : 'Pause';
  const limit = state.time_limit_s;
  find('clock').firstElementChild.style.width = limit ? `${Math.min(100, (100 * state.time_s) / limit)}%` : '0';
  showLatency(state, mine);
  showFigures(state);
  drawTimeline(find('timeline'), state.current ? [...episodes, state.current] : episodes);
}

function statusOf({ stopped, waiting_for: awaited }) {
  waitsSince = awaited ? waitsSince ?? performance.now() : null;
  if (stopped) return 'stopping …';
  return awaited && performance.now() - waitsSince > PATIENCE_MS ? `waiting for ${awaited}` : '';
}

function controlOf(state) {
  if (state.pause_reason) return 'paused';
  if (state.control === 'holding') return 'holding';
  return state.control === 'driving' ? 'operator' : state.controller;
}

function badge(state, mine) {
  if (state.pause_reason) return 'paused';
  if (state.control === 'holding') return 'holding still';
  if (state.control === 'driving') return mine ? 'you have control' : 'another page has control';
  return { policy: 'the policy has control', operator: 'the operator has control' }[state.controller] ?? 'nobody has control';
}

function showLatency(state, mine) {
  const trip = roundTripMs();
  if (!connected() || trip === null) return;
  const way = trip / 2;
  find('latency').textContent = mine && state.wait_ms !== null
    ? `input → action ${Math.round(way + state.wait_ms)} ms` : `${Math.max(1, Math.round(way))} ms away`;
}

const percent = (rate) => `${Math.round(100 * rate)} %`;
const rate = (hz) => (hz >= 100 ? Math.round(hz) : hz.toFixed(1));
const seconds = (s) => (s < 100 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`);

function figuresOf(state) {
  const left = state.episodes_remaining;
  return [
    ['episode', `${state.episode}${left === null ? '' : ` · ${left} to go`}`],
    ['clock', seconds(state.time_s)],
    ['success', state.success_rate, percent, 'of the last 20 episodes, with help or without'],
    ['without help', state.success_rate_without_help, percent, 'of the last 20 episodes'],
    ['intervention', state.intervention_rate, percent],
    ['at the controls', `${seconds(state.human_seconds)}`, null, `${seconds(state.human_seconds_episode)} in this episode`],
    ['watching', seconds(state.watching_seconds)],
    ['takeovers', `${state.takeovers}`, null, `${state.takeovers_episode} in this episode`],
    ['actor', state.actor_hz, (hz) => `${rate(hz)} Hz`],
    ['learner', state.learner_hz, (hz) => `${rate(hz)} /s`],
    ['weights', state.weights_age_s, (age) => `${seconds(age)} old`],
  ].filter(([, value]) => value !== null);
}

function showFigures(state) {
  const list = find('figures');
  const figures = figuresOf(state);
  const names = figures.map(([name]) => name).join();
  if (list.dataset.names !== names) {
    list.replaceChildren(...figures.flatMap(([name]) => {
      const term = document.createElement('dt');
      term.textContent = name;
      return [term, document.createElement('dd')];
    }));
    list.dataset.names = names;
  }
  const values = list.querySelectorAll('dd');
  figures.forEach(([, value, format, more], index) => {
    const text = format ? format(value) : value;
    if (values[index].textContent !== text) values[index].textContent = text;
    values[index].title = more ?? '';
  });
}
