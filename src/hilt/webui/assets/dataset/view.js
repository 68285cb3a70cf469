// The page of `hilt data view`: what is shown, and what the buttons and keys do.

import * as parts from './parts.js';
import { forget, Reel } from './reel.js';
import { drawActions, drawTrack, nameActions, stepAt } from './tracks.js';

const find = (id) => document.getElementById(id);
const SURE_MS = 4000;
history.replaceState(null, '', '/'); // the cookie has the token now

let dataset, reels, data = {}, at = 0, step = 0, playing = false, sureUntil = 0;

async function ask(path, said) {
  const answer = await fetch(path, said && { method: 'POST', body: JSON.stringify(said) });
  const body = await answer.json().catch(() => ({ error: `hilt says ${answer.status}` }));
  if (!answer.ok) throw new Error(body.error);
  return body;
}

const complain = (text) => { find('status').textContent = text; };
const part = () => parts.all()[at];
const summaryOf = (episode) => dataset.episodes.find(({ index }) => index === episode);
const lengthOf = (episode) => summaryOf(episode).length;

// Success as it will be saved: by the labels where there are any, else as recorded.
function succeeds({ episode, successes, start, stop }) {
  return successes === null ? summaryOf(episode).success : successes.some((k) => k >= start && k < stop);
}

const isListed = (each) => {
  const { person, task = '' } = summaryOf(each.episode);
  const wanted = {
    all: true, success: succeeds(each) === true, failure: succeeds(each) === false, person: person > 0,
    changed: parts.isChanged(each, lengthOf(each.episode)),
  }[find('filter').value];
  return wanted && task.toLowerCase().includes(find('search').value.toLowerCase());
};

function showList() {
  const listed = parts.all().map((each, index) => [each, index]).filter(([each]) => isListed(each));
  find('shown').textContent = `${listed.length} of ${parts.all().length}`;
  find('list').replaceChildren(...listed.map(([each, index]) => {
    const said = summaryOf(each.episode);
    const item = document.createElement('li');
    const success = succeeds(each);
    const words = [
      `${each.episode}`, said.problem ?? `${each.stop - each.start} steps`,
      success === true ? 'success' : success === false ? 'no success' : '',
    ];
    item.className = success === true ? 'success' : success === false ? 'failure' : '';
    item.classList.toggle('chosen', index === at);
    item.classList.toggle('dropped', each.dropped);
    item.title = said.task ?? '';
    item.replaceChildren(...words.map((word) => Object.assign(document.createElement('span'), { textContent: word })));
    item.firstChild.classList.toggle('changed', parts.isChanged(each, lengthOf(each.episode)));
    item.addEventListener('click', () => choose(index));
    return item;
  }));
  find('list').querySelector('.chosen')?.scrollIntoView({ block: 'nearest' });
}

function showChanges() {
  const changed = parts.all().filter((each) => parts.isChanged(each, lengthOf(each.episode)));
  const left = parts.request();
  const steps = left.reduce((sum, { start, stop }) => sum + stop - start, 0);
  find('changes').textContent = changed.length
    ? `${changed.length} changed; ${left.length} episodes, ${steps} steps are saved`
    : 'nothing changed yet';
  find('undo').disabled = !parts.canUndo();
  find('save').disabled = !left.length;
  find('replace').disabled = !left.length || !changed.length;
}

function draw() {
  const length = lengthOf(part().episode);
  drawTrack(find('track'), data, part(), length, step);
  drawActions(find('actions'), data.actions, length, step);
  find('track').setAttribute('aria-valuenow', step);
  find('track').setAttribute('aria-valuemax', length - 1);
  const probability = data.probabilities ? `, classifier ${data.probabilities[step].toFixed(3)}` : '';
  const reward = data.reward ? `, reward ${data.reward[step]}` : '';
  find('where').textContent = `step ${step} of ${length}, ${(step / dataset.fps).toFixed(1)} s${reward}${probability}`;
}

function show() {
  draw();
  const { episode } = part();
  const shown = [reels[0].show(episode, step, lengthOf(episode))];
  const beside = find('beside').value;
  find('second').hidden = beside === '';
  if (beside !== '') {
    const length = lengthOf(Number(beside));
    shown.push(reels[1].show(Number(beside), Math.min(step, length - 1), length));
  }
  return Promise.all(shown);
}

function refresh() {
  showList();
  showChanges();
  draw();
}

async function choose(index, keepStep = false) {
  at = Math.max(0, Math.min(parts.all().length - 1, index));
  step = keepStep ? Math.min(step, lengthOf(part().episode) - 1) : part().start;
  complain('');
  const { episode } = part();
  try {
    data = summaryOf(episode).problem ? {} : await ask(`/episode/${episode}`);
    if (summaryOf(episode).problem) complain(summaryOf(episode).problem);
    refresh();
    await show();
    if (dataset.has_classifier && !data.probabilities) Object.assign(data, await ask(`/judged/${episode}`));
    draw();
  } catch (error) {
    complain(error.message);
  }
}

function go(to) {
  step = Math.max(0, Math.min(lengthOf(part().episode) - 1, to));
  return show();
}

async function play() {
  playing = !playing;
  find('play').firstChild.textContent = playing ? 'Pause' : 'Play';
  if (playing && step >= part().stop - 1) step = part().start;
  while (playing) {
    const due = performance.now() + 1000 / dataset.fps / Number(find('speed').value);
    await go(step);
    if (step >= part().stop - 1) break;
    await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
    if (playing) step += 1;
  }
  playing = false;
  find('play').firstChild.textContent = 'Play';
}

// Steps that count as success now, for the labels to begin with.
const marked = () => part().successes ?? (data.reward ?? []).flatMap((reward, k) => (reward > 0.5 ? [k] : []));

function change(how) {
  parts.edit(at, how);
  refresh();
}

function undo() {
  parts.undo();
  showChanges();
  choose(at, true);
}

const acts = {
  play,
  back: (event) => go(step - (event?.shiftKey ? 10 : 1)),
  on: (event) => go(step + (event?.shiftKey ? 10 : 1)),
  mark: () => change(parts.label(parts.toggled(marked(), step))),
  markon: () => change(parts.label(Array.from({ length: lengthOf(part().episode) - step }, (_, k) => step + k))),
  unmark: () => change(parts.label([])),
  judge: () => data.successes && change(parts.label(data.successes)),
  from: () => change(parts.cutStart(step)),
  to: () => change(parts.cutStop(step)),
  split: () => change(parts.split(step)),
  drop: () => change(parts.drop),
  undo,
  save: () => save(find('newname').value.trim()),
  replace: sure,
};

function sure() {
  const isSure = performance.now() < sureUntil;
  sureUntil = isSure ? 0 : performance.now() + SURE_MS;
  showSure();
  if (isSure) save(null);
  else setTimeout(showSure, SURE_MS + 50);
}

function showSure() {
  const asks = performance.now() < sureUntil;
  find('replace').textContent = asks ? `Replace ${dataset.name}? Once more` : 'Replace this dataset';
  find('replace').classList.toggle('sure', asks);
}

async function save(name) {
  const said = find('saved');
  said.classList.remove('wrong');
  said.textContent = 'writing: pictures are encoded anew';
  try {
    const { root, episodes, kept } = await ask('/save', { parts: parts.request(), name });
    said.textContent = `${episodes} episodes in ${root}${kept ? `\nas it was: ${kept}` : ''}`;
    if (kept) await load();
  } catch (error) {
    said.textContent = error.message;
    said.classList.add('wrong');
  }
}

const KEYS = {
  ' ': 'play', ArrowLeft: 'back', ArrowRight: 'on', s: 'mark', S: 'markon', n: 'unmark', c: 'judge', '[': 'from', ']': 'to',
  x: 'split', Delete: 'drop', Backspace: 'drop', z: 'undo',
};

addEventListener('keydown', (event) => {
  if (/^(INPUT|SELECT)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.tagName === 'BUTTON' && event.key === ' ') return;
  const listed = parts.all().map((each, index) => [each, index]).filter(([each]) => isListed(each)).map(([, index]) => index);
  const place = listed.indexOf(at);
  if (event.key === 'ArrowDown' && place < listed.length - 1) choose(listed[place + 1]);
  else if (event.key === 'ArrowUp' && place > 0) choose(listed[place - 1]);
  else if (event.key === 'Home') go(part().start);
  else if (event.key === 'End') go(part().stop - 1);
  else if (KEYS[event.key] && !find(KEYS[event.key])?.hidden) acts[KEYS[event.key]](event);
  else return;
  event.preventDefault();
});

for (const [id, act] of Object.entries(acts)) find(id).addEventListener('click', act);
for (const id of ['filter', 'search']) find(id).addEventListener('input', showList);
find('beside').addEventListener('input', show);
addEventListener('resize', draw);
find('track').addEventListener('pointerdown', (event) => {
  const scrub = (move) => go(stepAt(find('track'), move.clientX, lengthOf(part().episode)));
  find('track').setPointerCapture(event.pointerId);
  find('track').onpointermove = scrub;
  find('track').onpointerup = () => { find('track').onpointermove = null; };
  playing = false;
  scrub(event);
});

async function load() {
  dataset = await ask('/dataset');
  forget();
  parts.begin(dataset.episodes);
  for (const id of ['first', 'second']) find(id).replaceChildren();
  reels = [new Reel(find('first'), dataset.cameras, complain), new Reel(find('second'), dataset.cameras, complain)];
  find('name').textContent = dataset.name;
  const steps = dataset.episodes.reduce((sum, { length }) => sum + length, 0);
  find('summary').textContent = `${dataset.episodes.length} episodes, ${steps} steps, ${dataset.fps}/s${dataset.robot ? `, ${dataset.robot}` : ''}`;
  find('newname').value = `${dataset.name}_edited`;
  find('judge').hidden = !dataset.has_classifier;
  find('beside').replaceChildren(new Option('nothing', ''), ...dataset.episodes.map(({ index }) => new Option(`episode ${index}`, index)));
  nameActions(find('legend'), dataset.actions);
  await choose(0);
}

load().catch((error) => complain(error.message));
