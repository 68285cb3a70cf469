from hilt.data import transition_pb2 as _transition_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Hello(_message.Message):
    __slots__ = ("protocol", "actor_id", "stream", "spec")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    actor_id: str
    stream: int
    spec: str
    def __init__(self, protocol: _Optional[int] = ..., actor_id: _Optional[str] = ..., stream: _Optional[int] = ..., spec: _Optional[str] = ...) -> None: ...

class FromActor(_message.Message):
    __slots__ = ("first", "steps", "first_report", "reports", "weights_version", "goodbye", "real_time")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    FIRST_REPORT_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    REAL_TIME_FIELD_NUMBER: _ClassVar[int]
    first: int
    steps: _containers.RepeatedCompositeFieldContainer[_transition_pb2.Step]
    first_report: int
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    weights_version: int
    goodbye: bool
    real_time: bool
    def __init__(self, first: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[_transition_pb2.Step, _Mapping]]] = ..., first_report: _Optional[int] = ..., reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ..., weights_version: _Optional[int] = ..., goodbye: _Optional[bool] = ..., real_time: _Optional[bool] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("numbers", "texts")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class TextsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    numbers: _containers.ScalarMap[str, float]
    texts: _containers.ScalarMap[str, str]
    def __init__(self, numbers: _Optional[_Mapping[str, float]] = ..., texts: _Optional[_Mapping[str, str]] = ...) -> None: ...

class FromLearner(_message.Message):
    __slots__ = ("status", "weights", "chunk")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    status: Status
    weights: WeightsBegin
    chunk: bytes
    def __init__(self, status: _Optional[_Union[Status, _Mapping]] = ..., weights: _Optional[_Union[WeightsBegin, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("acknowledged", "acknowledged_reports", "refused", "refused_because", "directive")
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_REPORTS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    acknowledged: int
    acknowledged_reports: int
    refused: int
    refused_because: str
    directive: Directive
    def __init__(self, acknowledged: _Optional[int] = ..., acknowledged_reports: _Optional[int] = ..., refused: _Optional[int] = ..., refused_because: _Optional[str] = ..., directive: _Optional[_Union[Directive, _Mapping]] = ...) -> None: ...

class Directive(_message.Message):
    __slots__ = ("phase", "stop", "waiting_for", "figures", "hold", "test", "demonstrations")
    class FiguresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    PHASE_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    DEMONSTRATIONS_FIELD_NUMBER: _ClassVar[int]
    phase: str
    stop: bool
    waiting_for: str
    figures: _containers.ScalarMap[str, float]
    hold: bool
    test: PolicyTest
    demonstrations: DemonstrationRequest
    def __init__(self, phase: _Optional[str] = ..., stop: _Optional[bool] = ..., waiting_for: _Optional[str] = ..., figures: _Optional[_Mapping[str, float]] = ..., hold: _Optional[bool] = ..., test: _Optional[_Union[PolicyTest, _Mapping]] = ..., demonstrations: _Optional[_Union[DemonstrationRequest, _Mapping]] = ...) -> None: ...

class DemonstrationRequest(_message.Message):
    __slots__ = ("given", "wanted", "actor_id")
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    given: int
    wanted: int
    actor_id: str
    def __init__(self, given: _Optional[int] = ..., wanted: _Optional[int] = ..., actor_id: _Optional[str] = ...) -> None: ...

class PolicyTest(_message.Message):
    __slots__ = ("version", "target", "episodes", "number")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    version: int
    target: float
    episodes: int
    number: int
    def __init__(self, version: _Optional[int] = ..., target: _Optional[float] = ..., episodes: _Optional[int] = ..., number: _Optional[int] = ...) -> None: ...

class WeightsBegin(_message.Message):
    __slots__ = ("version", "config", "frozen_nbytes", "nbytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FROZEN_NBYTES_FIELD_NUMBER: _ClassVar[int]
    NBYTES_FIELD_NUMBER: _ClassVar[int]
    version: int
    config: str
    frozen_nbytes: int
    nbytes: int
    def __init__(self, version: _Optional[int] = ..., config: _Optional[str] = ..., frozen_nbytes: _Optional[int] = ..., nbytes: _Optional[int] = ...) -> None: ...
