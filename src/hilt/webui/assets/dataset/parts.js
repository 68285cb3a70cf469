// What is kept of each episode, and how to take a change back.

// A part: {episode, start, stop (exclusive), successes: null or steps in order, dropped}.
let parts = [];
let before = [];

export function begin(episodes) {
  parts = episodes.map(({ index, length }) => ({ episode: index, start: 0, stop: length, successes: null, dropped: false }));
  before = [];
}

export const all = () => parts;
export const canUndo = () => before.length > 0;
export const isChanged = (part, length) =>
  part.dropped || part.successes !== null || part.start > 0 || part.stop < length;

export function undo() {
  if (before.length) parts = before.pop();
}

// Change part `at`: `change` is given a copy and returns what stands in its place.
export function edit(at, change) {
  before.push(parts);
  const copy = { ...parts[at], successes: parts[at].successes && [...parts[at].successes] };
  parts = [...parts.slice(0, at), ...[change(copy)].flat(), ...parts.slice(at + 1)];
}

export const drop = (part) => ({ ...part, dropped: !part.dropped });
export const label = (successes) => (part) => ({ ...part, successes });
export const cutStart = (step) => (part) => ({ ...part, start: Math.min(step, part.stop - 1) });
export const cutStop = (step) => (part) => ({ ...part, stop: Math.max(step + 1, part.start + 1) });

// Two parts: up to the step before, and from the step on; the same part where one would be empty.
export const split = (step) => (part) =>
  step > part.start && step < part.stop ? [{ ...part, stop: step }, { ...part, start: step }] : part;

// The change of success at one step, given those that hold now.
export function toggled(successes, step) {
  return successes.includes(step) ? successes.filter((each) => each !== step) : [...successes, step].sort((a, b) => a - b);
}

export const request = () =>
  parts.filter((part) => !part.dropped).map(({ episode, start, stop, successes }) => ({ episode, start, stop, successes }));
