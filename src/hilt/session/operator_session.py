"""`OperatorSession`: people at a command. Who is at the controls, what they see, what they ask of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from hilt.config.run import RunConfig
from hilt.data.transition import Action, Observation, Transition
from hilt.envs.feature_env import Environment, Outcome
from hilt.envs.panda.real.options import PUT_BACK
from hilt.operators.base import Event
from hilt.rollout.rollout import Clock, Episode, Observer, Policy, Rollout, Session
from hilt.runs.history import History, summarise
from hilt.session.console import say
from hilt.session.live_view import LiveView
from hilt.session.operators import DEFAULT_OPTIONS, Role, SessionOptions, make_session_operator
from hilt.session.page import announce, open_window, serve, settled
from hilt.session.real_arm import HOLD, attend, trouble
from hilt.session.stats import StepRate, outcome_of, telemetry
from hilt.webui import Decision, Picture, Seat, Telemetry, View
from hilt.webui.window import ViewerWindow

_POLL_S = 0.05


class OperatorSession(Session):
    """Serves the page, asks operators, shows every step, and waits where people want it to.

    Everything happens in the thread that runs the episodes: graphics belong to one thread.

    Args:
        role: what people are to this command.
        phase: what the command does, in a word for the page.
        should_stop: the command is to end, whatever the people of this session want.

    Raises:
        ConfigError: the page cannot be served, or the operator's options are wrong.
        OperatorUnavailableError: the device is not there (in the role `HELP` this is said and done without).
    """

    def __init__(
        self,
        config: RunConfig,
        env: Environment,
        role: Role,
        phase: str,
        options: SessionOptions = DEFAULT_OPTIONS,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = say,
    ) -> None:
        self._config, self._env, self._role, self._tell = config, env, role, tell
        self._given_stop, self._seed = should_stop, options.seed
        self._quit = self._opens_by_itself = False
        self.history = History(env.fps)
        """Of the episodes of this process."""
        self._episode, self._rate = Episode(0, 0), StepRate()
        self._seat: Seat | None = None
        self._window: ViewerWindow | None = None
        self._wanted: Picture | None = None
        self._trouble: str | None = None
        self.figures: Callable[[Episode], Mapping[str, Any]] = lambda episode: {}
        """Figures of the page that another process knows; they win over this session's history."""
        self.remaining: int | None = None
        """Episodes that are still to come."""
        self.phase = phase
        self.farewell = ""
        """What came of it: the page's last word."""
        self.clock = Clock(env.fps)
        try:
            if options.serves and config.ui.enable:
                self._seat = self._serve(options.announced)
            self._live = LiveView(env, self._seat, tell)
            self._attendance = attend(env, self._seat, self)
            if options.serves and config.env.viewer:
                self._window = open_window(env, tell)
            self.operator = make_session_operator(
                config, env, role, options, tell=tell, seat=self._seat, window=self._window
            )
        except BaseException:
            self._shut()
            raise

    def rollout(self, policy: Policy, record: Callable[[Transition], None], *observers: Observer) -> Rollout:
        """Episodes with these people; `observers` hear of each step after the page did."""
        return Rollout(self._env, policy, self.operator, record, (self, *observers), self.clock)

    # What a rollout tells

    def on_step(self, episode: Episode, transition: Transition, outcome: Outcome) -> None:
        """Show it, and stand still for as long as a person wants a pause."""
        self._episode = episode
        self._rate.count()
        self._trouble = trouble(outcome.info)
        episode.watched_steps += self._is_attended and not transition.is_intervention
        if self._window is not None:
            self._window.show(self._env.gym.unwrapped.data)
        if episode.length == 1:
            self._live.begin()
        if self._seat is not None:
            self._show(self._seat, outcome.observation, transition.policy_action)
            self._rest(self._seat)

    def on_episode(self, episode: Episode) -> None:
        """Show how it ended."""
        self._quit |= episode.event is Event.QUIT
        if self._seat is not None:
            self._seat.show(View(self._telemetry(outcome=outcome_of(episode))))
        self.history.add(summarise(episode))
        self._episode = Episode(0, 0)

    # What a command asks

    @property
    def dismissed(self) -> bool:
        """A person on this session, at the page or at a device, wants the command to end."""
        return self._quit or (self._seat is not None and self._seat.requests.stopped)

    def should_stop(self) -> bool:
        """A person wants the command to end, here or elsewhere."""
        return self.dismissed or self._given_stop()

    def prepare(self, after: Episode | None = None) -> None:
        """Before an episode: wait for the person where nothing else drives, and give people time.

        Where a policy learns, only a person who was in control when the episode `after` ended needs any, or
        one who has to put things back.
        """
        if self.operator.needs_page and not self.operator.seated:
            self._tell("waiting for a person to take over at the page")
            if self.history.episodes == 0:
                self._env.reset(self._seed)  # the scene is shown before a person takes over
            waiting = {"waiting_for": "a person at the controls", "message": "Take over to begin."}
            self._linger(lambda: self.operator.seated, lambda: waiting)
        busy = self._role is not Role.HELP or (after is not None and bool(after.control[-1:] == [True]))
        by_hand = not (self._env.spec.resettable or self._attendance)  # an arm asks people by itself
        if (self.operator.attended and busy) or by_hand:
            self._count_down(self._config.env.processor.reset.reset_time_s)

    def invite(self, message: str) -> bool:
        """Wait until a person takes over; False when they say that it is enough, or want the end.

        Who is still in control from before has to let go first.
        """
        has_let_go = False

        def takes_over() -> bool:
            nonlocal has_let_go
            takes = self.operator.in_control and has_let_go
            has_let_go |= not self.operator.in_control
            return takes

        return self._ask("begin", message, takes_over) is None and not self.should_stop()

    def keeps(self, episode: Episode) -> bool:
        """Whether a recorded episode is to be kept: asks the person at the page's controls."""
        if self._seat is None or not self.operator.seated:
            return True
        seconds = episode.length / self._env.fps
        question = f"{outcome_of(episode).capitalize()} after {seconds:.1f} s. Keep it?"
        return self._ask("keep", question, lambda: not self.operator.seated) is not Decision.DISCARD

    def confirms(self, sentence: str) -> bool:
        """A person at the page has done, or allows, what `sentence` says; False: they want the end.

        Who puts the scene back sees it as they left it the first time through the live view.
        """
        self._live.ghost = self._wanted if sentence == PUT_BACK else None
        decision = self._ask("ready", sentence, lambda: False)
        self._live.ghost = None
        if sentence == PUT_BACK and self._wanted is None:
            self._wanted = self._live.picture()
        return decision is Decision.READY

    @property
    def drives(self) -> bool:
        """A person was in control when last asked."""
        return self.operator.in_control

    def judges(self, episode: Episode) -> bool | None:
        """Whether an episode was a success, by the word of a person at the page; None: nobody is there."""
        if self._seat is None or not self._seat.watched:
            return None
        question = (
            f"Episode {self.history.episodes}: {episode.length / self._env.fps:.1f} s. Was it a success?"
        )
        decision = self._ask("judge", question, lambda: not self.watched)
        return None if decision is None else decision is Decision.SUCCEEDED

    def _ask(self, what: str, question: str, settled: Callable[[], bool]) -> Decision | None:
        """The answer of the page's person to `question`; None when `settled()` first, or at the end."""
        seat, decision = self._seat, None
        if seat is not None:
            seat.requests.take_decision()

        def answered() -> bool:
            nonlocal decision
            decision = None if seat is None else seat.requests.take_decision()
            return decision is not None or settled()

        self._linger(answered, lambda: {"asks": what, "message": question})
        return decision

    def note(self, waiting_for: str) -> None:
        """Say once what the command waits for."""
        self._poll()
        if self._seat is not None:
            self._seat.show(View(self._telemetry(waiting_for=waiting_for)))

    def give_time_to_look(self, seconds: float) -> None:
        """Where a browser opens the page by itself, wait until it looks, at most so long."""
        if not self._opens_by_itself:
            return
        until = time.monotonic() + seconds
        opening = {"waiting_for": "the page to open"}
        self._linger(lambda: self.watched or time.monotonic() >= until, lambda: opening)

    @property
    def _is_attended(self) -> bool:
        """A person is there, or a simulated one, who would take over."""
        return self.watched or self.operator.attended or self.operator.is_simulated

    @property
    def watched(self) -> bool:
        """A person looks at the page, or there is a window."""
        return self._window is not None or (self._seat is not None and self._seat.watched)

    @property
    def url(self) -> str | None:
        """The page's link."""
        return None if self._seat is None else self._seat.url

    def close(self) -> None:
        """Let go of devices; the page and the window end."""
        self.operator.close()
        if self._seat is not None and self.farewell and self.watched:
            self._seat.farewell(f"{self.farewell} This page may be closed.")
        self._shut()

    def __enter__(self) -> OperatorSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Inside

    def _serve(self, announced: bool) -> Seat:
        ui = settled(self._config.ui, self._tell)
        if not (announced and ui.port == self._config.ui.port):
            self._opens_by_itself = announce(ui, self._tell)
        return serve(ui, self._env, "policy" if self._role is Role.HELP else "pause", self._tell)

    def _poll(self) -> None:
        self._quit |= self.operator.poll(self._env.neutral_action) is Event.QUIT

    def _count_down(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        total = "" if self.remaining is None else f", {self.remaining} to go"
        message = f"Episode {self.history.episodes + 1}{total}: get ready."

        def left() -> float:
            return until - time.monotonic()

        self._linger(lambda: left() <= 0, lambda: {"message": message, "countdown_s": left()})

    def _linger(self, done: Callable[[], bool], shown: Callable[[], Mapping[str, Any]]) -> None:
        """Nothing moves until `done()` and nobody wants a pause; the scene and `shown()` are shown."""
        self._live.begin()
        is_drawn = False
        while not self.should_stop():
            self._poll()
            if done() and not (self._seat is not None and self._seat.requests.paused):
                return
            if self._seat is not None:
                picture = self._attendance is not None or not is_drawn
                view = self._live.now(self._telemetry(**shown()), picture=picture)
                is_drawn |= view.view is not None
                self._seat.show(view)
            time.sleep(_POLL_S)

    def _rest(self, seat: Seat) -> None:
        """While a person wants a pause, or none watches the policy of a real arm."""
        if not (seat.requests.paused or self._lacks_watch):
            return
        while (seat.requests.paused or self._lacks_watch) and not self.should_stop():
            self._poll()
            if self._lacks_watch:
                seat.show(View(self._telemetry(message=HOLD)))
            time.sleep(_POLL_S)
        self.clock.restart()

    @property
    def _lacks_watch(self) -> bool:
        return self._attendance is not None and self._role is not Role.DRIVE and self._attendance.lacking

    def _show(self, seat: Seat, observation: Observation, proposed: Action) -> None:
        """The step, if pages want news."""
        seat.count(self.history.episodes + 1, self._episode.length - 1, self._episode.control[-1])
        if seat.due:
            real_time = self.operator.interactive
            seat.show(self._live.of_step(self._telemetry(), observation, proposed, real_time))

    def _telemetry(self, **more: object) -> Telemetry:
        known = {
            "phase": self.phase,
            "time_limit_s": self._env.time_limit_s,
            "message": self._trouble or self._live.trouble,
        }
        more = {**known, "episodes_remaining": self.remaining, **self.figures(self._episode), **more}
        return telemetry(self.history, self._episode, self._rate.hz, **more)

    def _shut(self) -> None:
        for one in (self._seat, self._window):
            if one is not None:
                one.close()
