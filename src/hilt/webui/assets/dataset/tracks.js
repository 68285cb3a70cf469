// The time of an episode: who was in control, reward, success, the classifier; and its actions.

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();
const LINES = ['#4a9bff', '#ffb454', '#46c98b', '#f2686a', '#b48cff', '#5fd3d3', '#e6edf3', '#d38fc0'];
const EDGE = 8;

function sized(canvas) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = '11px system-ui, sans-serif';
  return [context, width, height];
}

const scale = (width, length) => (width - 2 * EDGE) / Math.max(1, length);

export function stepAt(canvas, clientX, length) {
  const box = canvas.getBoundingClientRect();
  return Math.max(0, Math.min(length - 1, Math.floor((clientX - box.left - EDGE) / scale(box.width, length))));
}

// data: {reward, person, success, probabilities}; part: what is kept; step: where we are.
export function drawTrack(canvas, data, part, length, step) {
  const [context, width, height] = sized(canvas);
  const unit = scale(width, length);
  const x = (k) => EDGE + k * unit;
  const bar = (values, top, tall, pick) => {
    for (let k = 0; k < length; k++) {
      context.fillStyle = pick(values[k], k);
      context.fillRect(x(k), top, Math.max(unit - 0.5, 0.7), tall);
    }
  };
  context.fillStyle = colour('back');
  context.fillRect(0, 0, width, height);
  if (data.person) bar(data.person, 4, 16, (who) => colour(who ? 'operator' : 'policy'));
  const marks = new Set(part.successes ?? (data.reward ?? []).flatMap((reward, k) => (reward > 0.5 ? [k] : [])));
  bar(Array(length).fill(0), 24, 16, (_, k) => (marks.has(k) ? colour('success') : colour('raised')));
  const floor = height - 6, top = 46;
  for (const [values, name] of [[data.reward, 'faint'], [data.probabilities, 'success']]) {
    if (!values) continue;
    const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
    context.strokeStyle = colour(name);
    context.lineWidth = 1.5;
    context.beginPath();
    values.forEach((value, k) => context.lineTo(x(k + 0.5), floor - ((value - low) / (high - low)) * (floor - top)));
    context.stroke();
  }
  context.fillStyle = '#0d1117cc';
  context.fillRect(0, 0, x(part.start), height);
  context.fillRect(x(part.stop), 0, width - x(part.stop), height);
  context.fillStyle = colour('text');
  context.fillRect(x(step + 0.5) - 1, 0, 2, height);
}

export function drawActions(canvas, actions, length, step) {
  const [context, width, height] = sized(canvas);
  context.clearRect(0, 0, width, height);
  const unit = scale(width, length);
  (actions ?? []).forEach((values, n) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const span = high - low || 1;
    context.strokeStyle = LINES[n % LINES.length];
    context.beginPath();
    values.forEach((value, k) => context.lineTo(EDGE + (k + 0.5) * unit, height - 6 - ((value - low) / span) * (height - 12)));
    context.stroke();
  });
  context.fillStyle = colour('text');
  context.fillRect(EDGE + (step + 0.5) * unit - 1, 0, 2, height);
}

export function nameActions(element, names) {
  element.replaceChildren(...names.map((name, n) => {
    const key = document.createElement('span');
    key.className = 'key';
    key.style.setProperty('--faint', LINES[n % LINES.length]);
    key.textContent = name;
    return key;
  }));
}
