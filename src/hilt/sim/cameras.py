"""Pictures of the simulation, fast without a GPU: one graphics context for all cameras and sizes."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.sim.gl import GLContext, create_context

Image = NDArray[np.uint8]
Size = tuple[int, int]

COSTLY = (
    mujoco.mjtRndFlag.mjRND_SHADOW,
    mujoco.mjtRndFlag.mjRND_REFLECTION,
    mujoco.mjtRndFlag.mjRND_SKYBOX,
    mujoco.mjtRndFlag.mjRND_HAZE,
)
"""What a software renderer spends most of a frame on, and a policy does not need."""

MAX_GEOMS = 200


class Cameras:
    """Draws what the cameras of `model` see. Raises RenderingError where there is no OpenGL."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._scene = mujoco.MjvScene(model, maxgeom=MAX_GEOMS)
        for flag in COSTLY:
            self._scene.flags[flag] = 0
        self._option = mujoco.MjvOption()
        self._option.geomgroup[3:] = 0
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._gl: GLContext = create_context(model.vis.global_.offwidth, model.vis.global_.offheight)
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def images(self, data: mujoco.MjData, sizes: Mapping[str, Size]) -> dict[str, Image]:
        """Camera -> uint8 `[H, W, 3]`, for the given (height, width) of each."""
        self._gl.make_current()
        return {name: self._image(data, name, size) for name, size in sizes.items()}

    def _image(self, data: mujoco.MjData, name: str, size: Size) -> Image:
        self._view.fixedcamid = self._model.camera(name).id
        mujoco.mjv_updateScene(
            self._model, data, self._option, None, self._view, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
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

    def close(self) -> None:
        self._gl.make_current()
        self._context.free()
        self._gl.free()
