// The pictures and a line of text, as panels in the room. WebGL by hand: they are a few rectangles.

import { pictureCanvases } from './show.js';
import { yawOf } from './frames.js';

const VERTEX = `#version 300 es
uniform mat4 projection, view; uniform vec3 centre, across, up; in vec2 corner; out vec2 place;
void main() {
  place = vec2(0.5 + 0.5 * corner.x, 0.5 - 0.5 * corner.y);
  gl_Position = projection * view * vec4(centre + corner.x * across + corner.y * up, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision mediump float; uniform sampler2D picture; in vec2 place; out vec4 colour;
void main() { colour = texture(picture, place); }`;
const DISTANCE = 1.2; // [m]
const FOLLOW = 0.6; // [rad] looking further away than this brings the panels along

export async function makePanels(session) {
  const gl = document.createElement('canvas').getContext('webgl2', { xrCompatible: true });
  if (!gl) return { draw() {} };
  await gl.makeXRCompatible();
  const layer = new XRWebGLLayer(session, gl);
  session.updateRenderState({ baseLayer: layer });
  const program = build(gl);
  const text = document.createElement('canvas');
  [text.width, text.height] = [1024, 96];
  const textures = new Map(); // canvas -> { texture, drawn }
  let at = null;

  function draw(viewer, state) {
    at = follow(at, viewer.transform);
    write(text, state);
    gl.bindFramebuffer(gl.FRAMEBUFFER, layer.framebuffer);
    gl.clearColor(0.05, 0.07, 0.09, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(program.it);
    const panels = arrange(text);
    panels.forEach((panel) => upload(gl, textures, panel.canvas));
    for (const eye of viewer.views) {
      const box = layer.getViewport(eye);
      gl.viewport(box.x, box.y, box.width, box.height);
      gl.uniformMatrix4fv(program.projection, false, eye.projectionMatrix);
      gl.uniformMatrix4fv(program.view, false, eye.transform.inverse.matrix);
      panels.forEach((panel) => rectangle(gl, program, textures.get(panel.canvas).texture, panel, at));
    }
  }
  return { draw };
}

function build(gl) {
  const it = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(it, shader);
  }
  gl.bindAttribLocation(it, 0, 'corner');
  gl.linkProgram(it);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  const names = ['projection', 'view', 'centre', 'across', 'up'];
  return { it, ...Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(it, name)])) };
}

// Where the panels hang: in front of the head, upright, brought along when the head turns far away.
function follow(at, { position, orientation }) {
  const yaw = yawOf(orientation);
  const away = at ? Math.atan2(Math.sin(yaw - at.yaw), Math.cos(yaw - at.yaw)) : Infinity;
  if (Math.abs(away) < FOLLOW) return at;
  return { yaw, head: [position.x, position.y, position.z] };
}

// The large picture in the middle, the others beside it, the text above; all in metres.
function arrange(text) {
  const [large, ...small] = [...pictureCanvases().values()];
  const panels = [{ canvas: text, right: 0, up: 0.6, wide: 1.3, high: 1.3 * (text.height / text.width) }];
  if (large) panels.push({ canvas: large, right: 0, up: 0, wide: 1.3, high: 1.3 * (large.height / large.width) });
  small.slice(0, 4).forEach((canvas, index) => {
    const side = index % 2 ? 1 : -1;
    const high = 0.48 * (canvas.height / canvas.width);
    panels.push({ canvas, right: 0.92 * side, up: 0.24 - 0.52 * Math.floor(index / 2), wide: 0.48, high });
  });
  return panels;
}

function upload(gl, textures, canvas) {
  const known = textures.get(canvas) ?? { texture: gl.createTexture(), drawn: null };
  textures.set(canvas, known);
  const version = canvas.dataset.pictures ?? canvas.dataset.text;
  if (known.drawn === version) return;
  known.drawn = version;
  gl.bindTexture(gl.TEXTURE_2D, known.texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
}

function rectangle(gl, program, texture, { right, up, wide, high }, { yaw, head }) {
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  const across = [c, 0, -s];
  const ahead = [-s * DISTANCE, 0, -c * DISTANCE];
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.uniform3fv(program.centre, head.map((value, axis) => value + ahead[axis] + across[axis] * right + (axis === 1 ? up : 0)));
  gl.uniform3fv(program.across, across.map((value) => (value * wide) / 2));
  gl.uniform3fv(program.up, [0, high / 2, 0]);
  gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
}

function write(canvas, state) {
  const note = state.message || (state.waiting_for && `waiting for ${state.waiting_for}`);
  const control = document.getElementById('badge').textContent;
  const text = [control, `episode ${state.episode}`, note].filter(Boolean).join(' · ');
  if (canvas.dataset.text === text) return;
  canvas.dataset.text = text;
  const context = canvas.getContext('2d');
  context.fillStyle = getComputedStyle(document.body).getPropertyValue('--control');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#06080b';
  context.font = '600 44px system-ui, sans-serif';
  context.fillText(text, 24, 64, canvas.width - 48);
}
