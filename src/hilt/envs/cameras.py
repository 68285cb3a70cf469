"""Pictures of the simulation, fast without a GPU: one graphics context for all cameras and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs.gl import GLContext, create_context

Image = NDArray[np.uint8]
Size = tuple[int, int]

SHADOW, REFLECTION = mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION
SKYBOX, HAZE = mujoco.mjtRndFlag.mjRND_SKYBOX, mujoco.mjtRndFlag.mjRND_HAZE

MAX_GEOMS = 200


@dataclass(frozen=True)
class Look:
    """How carefully is drawn. Without a GPU a frame costs what its vertices and its effects cost."""

    slices: int
    """Vertices around a round shape."""
    stacks: int
    """Vertices along it."""
    shadow_size: int
    """Pixels along the shadows' map; 0: no shadows."""
    effects: frozenset[mujoco.mjtRndFlag]


COARSE = Look(12, 4, 0, frozenset())
"""For policies."""
LIVE = Look(12, 4, 512, frozenset({SHADOW, SKYBOX}))
"""For people, at the controls and in films: shadows tell them how high the gripper is."""
_EFFECTS = (SHADOW, REFLECTION, SKYBOX, HAZE)


class Cameras:
    """Draws what the cameras of `model` see. Raises RenderingError where there is no OpenGL.

    A context is bound to the thread that made it: draw from there.
    """

    def __init__(self, model: mujoco.MjModel, look: Look = COARSE) -> None:
        self._model = model
        self._scene = mujoco.MjvScene(model, maxgeom=MAX_GEOMS)
        for flag in _EFFECTS:
            self._scene.flags[flag] = flag in look.effects
        self._option = mujoco.MjvOption()
        self._option.geomgroup[3:] = 0
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._gl: GLContext = create_context(model.vis.global_.offwidth, model.vis.global_.offheight)
        self._gl.make_current()
        self._context = self._drawing_context(look)

    def images(self, data: mujoco.MjData, sizes: Mapping[str, Size]) -> dict[str, Image]:
        """Camera -> uint8 `[H, W, 3]`, for the given (height, width) of each."""
        self._gl.make_current()
        return {name: self._image(data, name, size) for name, size in sizes.items()}

    def close(self) -> None:
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _drawing_context(self, look: Look) -> mujoco.MjrContext:
        # The context reads these once, now.
        quality = self._model.vis.quality
        quality.numslices, quality.numstacks, quality.shadowsize = look.slices, look.stacks, look.shadow_size
        context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
        return context

    def _image(self, data: mujoco.MjData, name: str, size: Size) -> Image:
        self._view.fixedcamid = self._model.camera(name).id
        every = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._view, every, self._scene)
        self._grow(size)
        area = mujoco.MjrRect(0, 0, size[1], size[0])
        mujoco.mjr_render(area, self._scene, self._context)
        pixels = np.empty((*size, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, area, self._context)
        return np.ascontiguousarray(pixels[::-1])  # OpenGL counts rows from below

    def _grow(self, size: Size) -> None:
        """Makes the framebuffer large enough."""
        context = self._context
        if size[0] > context.offHeight or size[1] > context.offWidth:
            width, height = max(size[1], context.offWidth), max(size[0], context.offHeight)
            mujoco.mjr_resizeOffscreen(width, height, context)
