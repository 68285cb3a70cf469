"""`hilt doctor`: what this machine can do, and what to do about the rest."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hilt.commands.finding import Finding
from hilt.commands.options import options_of
from hilt.config.errors import ConfigError
from hilt.config.overrides import parse_command_line

_MEASURE_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """What this machine can do, and what to do about the rest; the exit code."""
    if "--robot" in arguments:
        examine_robot(*parse_command_line([word for word in arguments if word != "--robot"]))
        return 0
    options_of("doctor", arguments, optional=("robot",))
    examine()
    return 0


def examine_robot(path: str | None, overrides: Sequence[str]) -> None:
    """Print the findings about the arm of a configuration. Raises ConfigError where it has none."""
    from hilt.commands.check_robot import check_robot
    from hilt.config.load import load_config

    env = load_config(path, overrides).env
    if env.type != "franka":
        raise ConfigError("doctor", '--robot: needs a configuration with "env.type": "franka"')
    _report(finding for check in check_robot(env) for finding in check())


def examine() -> None:
    """Print the findings about this machine."""
    checks: list[Callable[[], Finding]] = [
        _python, _cores, _gpu, _graphics, _steps, _updates, _display, _keyboard, _gamepads, _ports, _extras,
    ]  # fmt: skip
    _report(check() for check in checks)


def _report(findings: Iterable[Finding]) -> None:
    table = Table("what", "here", "the way out")
    for finding in findings:
        mark = "[yellow]" if finding.fix else "[green]"
        table.add_row(finding.what, mark + escape(finding.state), escape(finding.fix))
    Console().print(table)


def _python() -> Finding:
    import hilt

    return Finding("hilt, Python", f"{hilt.__version__}, {sys.version.split()[0]}")


def _cores() -> Finding:
    from hilt.training.resources import cores

    count = cores()
    fix = "" if count > 1 else "learner and actor share one core: expect half the speed"
    return Finding("processor cores", str(count), fix)


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", torch.cuda.get_device_name())
    if shutil.which("nvidia-smi"):
        return Finding(
            "GPU",
            f"not usable by torch {torch.__version__}",
            "install a torch that is built for this CUDA driver",
        )
    return Finding("GPU", "none, and none is needed: device cpu")


def _graphics() -> Finding:
    import gymnasium as gym

    from hilt.envs.errors import RenderingError
    from hilt.envs.gl import backend

    env = gym.make("hilt/PickCube-v0", obs_type="pixels")
    try:
        env.reset(seed=0)
        rate = _rate(lambda: env.step(env.action_space.sample()))
    except RenderingError as error:
        return Finding("OpenGL", "none; state observations work without", str(error))
    finally:
        env.close()
    return Finding("OpenGL", f"{backend()}: {rate:.0f} control steps/s with two cameras of 128x128")


def _steps() -> Finding:
    import gymnasium as gym

    import hilt.envs  # noqa: F401

    env = gym.make("hilt/PickCube-v0")
    env.reset(seed=0)
    rate = _rate(lambda: env.step(env.action_space.sample()))
    env.close()
    return Finding("simulation", f"{rate:.0f} control steps/s from state")


def _updates() -> Finding:
    import torch

    matrix = torch.rand(1024, 1024)
    rate = _rate(lambda: matrix @ matrix)
    return Finding("arithmetic", f"{2 * 1024**3 * rate / 1e9:.0f} GFLOP/s in fp32 matrix products")


def _rate(action: Callable[[], object]) -> float:
    """Calls per second."""
    action()
    started, calls = time.perf_counter(), 0
    while time.perf_counter() - started < _MEASURE_S:
        action()
        calls += 1
    return calls / (time.perf_counter() - started)


def _display() -> Finding:
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return Finding("display", "there")
    return Finding(
        "display", "none, and none is needed", "the browser page shows everything, here or elsewhere"
    )


def _keyboard() -> Finding:
    if sys.stdin.isatty():
        return Finding("keyboard", "read from this terminal")
    return Finding("keyboard", "no terminal to read keys from", "the keys of the browser page")


def _gamepads() -> Finding:
    if importlib.util.find_spec("pygame") is None:
        return Finding(
            "gamepad", "not asked: pygame is missing", "pip install 'hilt[gamepad]', or the browser page"
        )
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    pygame.joystick.init()
    names = [pygame.joystick.Joystick(index).get_name() for index in range(pygame.joystick.get_count())]
    pygame.joystick.quit()
    return Finding(
        "gamepad", ", ".join(names) or "none attached", "" if names else "or any pad, in the browser page"
    )


def _ports() -> Finding:
    ports = {50051: "learner", 8642: "page"}
    taken = [f"{port} ({use})" for port, use in ports.items() if _is_taken(port)]
    if taken:
        return Finding("ports", f"taken: {', '.join(taken)}", "learner: learner_port; page: --port")
    return Finding("ports", "free: 50051 (learner), 8642 (page)")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _extras() -> Finding:
    modules = {
        "tensorboard": "tensorboard",
        "wandb": "wandb",
        "hub": "huggingface_hub",
        "tls": "cryptography",
        "ray": "ray",
    }
    there = [extra for extra, module in modules.items() if importlib.util.find_spec(module)]
    missing = [extra for extra in modules if extra not in there]
    fix = f"when needed: pip install 'hilt[{','.join(missing)}]'" if missing else ""
    return Finding("extras", ", ".join(there) or "none, and none is needed", fix)
