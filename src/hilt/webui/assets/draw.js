// Curves and the timeline, on canvas.

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();
const OUTCOME = { success: 'success', failure: 'failure', timeout: 'faint', discarded: 'faint' };

function sized(canvas) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '11px system-ui, sans-serif';
  return [context, width, height];
}

// points: [episode, success rate, intervention rate]
export function drawCurves(canvas, points) {
  const [context, width, height] = sized(canvas);
  const left = 40, right = width - 8, top = 8, bottom = height - 18;
  const last = Math.max(10, points.length ? points[points.length - 1][0] : 0);
  const x = (episode) => left + (right - left) * (episode / last);
  const y = (rate) => bottom - (bottom - top) * rate;
  context.lineWidth = 1;
  for (const rate of [0, 0.5, 1]) {
    context.strokeStyle = colour('line');
    line(context, [[left, y(rate)], [right, y(rate)]]);
    label(context, `${rate * 100} %`, left - 6, y(rate) + 4, 'right');
  }
  label(context, 'episode', left, height - 4, 'left');
  label(context, String(last), right, height - 4, 'right');
  for (const [column, name] of [[2, 'operator'], [1, 'success']]) {
    const known = points.filter((point) => point[column] !== null);
    curve(context, known.map((point) => [x(point[0]), y(point[column])]), colour(name), bottom);
  }
}

function curve(context, path, stroke, bottom) {
  if (!path.length) return;
  context.strokeStyle = context.fillStyle = stroke;
  context.lineWidth = 2;
  context.lineJoin = 'round';
  line(context, path);
  context.globalAlpha = 0.1;
  context.beginPath();
  context.moveTo(path[0][0], bottom);
  path.forEach(([x, y]) => context.lineTo(x, y));
  context.lineTo(path[path.length - 1][0], bottom);
  context.fill();
  context.globalAlpha = 1;
  const [x, y] = path[path.length - 1];
  context.beginPath();
  context.arc(x, y, 3, 0, 7);
  context.fill();
}

// episodes: [number, steps, [[first, past the last], ...] of the human's, outcome or null while it runs]
export function drawTimeline(canvas, episodes) {
  const [context, width, height] = sized(canvas);
  if (!episodes.length) return label(context, 'no episode yet', 0, height / 2, 'left');
  const gap = 3, top = 4, bar = height - 30;
  const shown = fitting(episodes, width, gap);
  const steps = shown.reduce((sum, episode) => sum + Math.max(4, episode[1]), 0);
  const scale = Math.min(6, (width - gap * shown.length) / steps);
  let left = 0, labelled = -40;
  for (const [number, length, spans, outcome] of shown) {
    const wide = Math.max(4, length) * scale;
    context.save();
    context.beginPath();
    context.roundRect(left, top, wide, bar, 4);
    context.clip();
    context.globalAlpha = outcome ? 0.55 : 0.9;
    context.fillStyle = colour('policy');
    context.fillRect(left, top, wide, bar);
    context.globalAlpha = 1;
    context.fillStyle = colour('operator');
    for (const [first, past] of spans) context.fillRect(left + first * scale, top, Math.max(1.5, (past - first) * scale), bar);
    context.restore();
    context.fillStyle = colour(OUTCOME[outcome] ?? 'line');
    context.beginPath();
    context.roundRect(left, top + bar + 4, wide, 4, 2);
    context.fill();
    if (left + wide / 2 - labelled > 32) {
      label(context, String(number), left + wide / 2, height - 4, 'center');
      labelled = left + wide / 2;
    }
    left += wide + gap;
  }
}

// As many of the last episodes as leave each step at least half a pixel.
function fitting(episodes, width, gap) {
  let room = width, from = episodes.length;
  while (from > 0 && room > 0) {
    from -= 1;
    room -= Math.max(4, episodes[from][1]) * 0.8 + gap;
  }
  return episodes.slice(room < 0 ? Math.min(from + 1, episodes.length - 1) : from);
}

function line(context, path) {
  context.beginPath();
  path.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

function label(context, text, x, y, align) {
  context.fillStyle = colour('faint');
  context.textAlign = align;
  context.fillText(text, x, y);
}
