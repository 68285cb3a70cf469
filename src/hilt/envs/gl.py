"""Which OpenGL draws the pictures: `MUJOCO_GL` if it is set, else EGL, else OSMesa."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib
import os
from typing import Protocol, cast

from hilt.envs.errors import RenderingError

BACKENDS = ("egl", "osmesa", "glfw", "cgl")
WAY_OUT = (
    "Install an EGL driver (Debian and Ubuntu: `apt-get install libegl1 libgl1-mesa-dri`) or OSMesa "
    "(`apt-get install libosmesa6`), or use obs_type='state', which draws nothing."
)


class GLContext(Protocol):
    """A place to draw off the screen."""

    def make_current(self) -> None: ...

    def free(self) -> None: ...


@functools.cache
def backend() -> str:
    """Name of the backend: one of `BACKENDS`. Raises RenderingError with the way out when there is none."""
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    if wanted:
        if wanted not in BACKENDS:
            raise RenderingError(f"MUJOCO_GL={wanted}: one of {', '.join(BACKENDS)}, or unset. {WAY_OUT}")
        return wanted
    if _egl_works():
        return "egl"
    if ctypes.util.find_library("OSMesa"):
        return "osmesa"
    raise RenderingError(f"images need OpenGL, and neither EGL nor OSMesa works here. {WAY_OUT}")


def create_context(width: int, height: int) -> GLContext:
    """A drawing context. Raises RenderingError when the backend does not work."""
    name = backend()
    try:
        context = importlib.import_module(f"mujoco.{name}").GLContext(width, height)
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise RenderingError(f"OpenGL backend {name!r} does not work here: {error}. {WAY_OUT}") from error
    return cast(GLContext, context)


def _egl_works() -> bool:
    """An EGL library is there and offers at least one device (asked before PyOpenGL fixes its platform)."""
    try:
        egl = ctypes.CDLL(ctypes.util.find_library("EGL") or "libEGL.so.1")
        egl.eglGetProcAddress.restype = ctypes.c_void_p
        address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    except (OSError, AttributeError):
        return False
    if not address:
        return False
    query = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int))(
        address
    )
    count = ctypes.c_int()
    return bool(query(0, None, ctypes.byref(count))) and count.value > 0
