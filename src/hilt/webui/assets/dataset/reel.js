// Pictures of one episode, a canvas for each camera; the newest step that was asked for wins.

const AHEAD = 12;
const MOST = 600;
const kept = new Map();

function picture(episode, camera, step) {
  const url = `/picture/${episode}/${encodeURIComponent(camera)}/${step}`;
  if (!kept.has(url)) {
    if (kept.size >= MOST) kept.delete(kept.keys().next().value);
    kept.set(url, fetch(url).then(async (answer) => {
      if (!answer.ok) throw new Error((await answer.json()).error);
      return createImageBitmap(await answer.blob());
    }));
  }
  return kept.get(url);
}

export function forget() {
  kept.clear();
}

export class Reel {
  constructor(element, cameras, report) {
    this.report = report;
    this.asked = 0;
    this.canvases = cameras.map((camera) => {
      const figure = document.createElement('figure');
      const canvas = document.createElement('canvas');
      const caption = document.createElement('figcaption');
      canvas.dataset.camera = camera;
      caption.textContent = camera.replace('observation.images.', '');
      figure.append(canvas, caption);
      element.append(figure);
      return [camera, canvas];
    });
  }

  // Resolves when all cameras show `step`, or a newer one.
  async show(episode, step, length) {
    const mine = ++this.asked;
    for (const [camera] of this.canvases) {
      for (let next = step + 1; next <= Math.min(step + AHEAD, length - 1); next++) {
        picture(episode, camera, next).catch(() => {});
      }
    }
    await Promise.all(this.canvases.map(async ([camera, canvas]) => {
      try {
        const bitmap = await picture(episode, camera, step);
        if (mine !== this.asked) return;
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
        canvas.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
        canvas.getContext('2d').drawImage(bitmap, 0, 0);
        canvas.dataset.step = step;
      } catch (error) {
        this.report(error.message);
      }
    }));
  }
}
