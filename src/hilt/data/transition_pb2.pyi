from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tensor(_message.Message):
    __slots__ = ("name", "dtype", "shape", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    data: bytes
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., data: _Optional[bytes] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("episode_id", "step", "observation", "next_observation", "action", "policy_action", "is_intervention", "reward", "discrete_penalty", "terminated", "truncated", "is_success")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    NEXT_OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    POLICY_ACTION_FIELD_NUMBER: _ClassVar[int]
    IS_INTERVENTION_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    DISCRETE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    TERMINATED_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    IS_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    episode_id: int
    step: int
    observation: _containers.RepeatedCompositeFieldContainer[Tensor]
    next_observation: _containers.RepeatedCompositeFieldContainer[Tensor]
    action: Tensor
    policy_action: Tensor
    is_intervention: bool
    reward: float
    discrete_penalty: float
    terminated: bool
    truncated: bool
    is_success: bool
    def __init__(self, episode_id: _Optional[int] = ..., step: _Optional[int] = ..., observation: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., next_observation: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., action: _Optional[_Union[Tensor, _Mapping]] = ..., policy_action: _Optional[_Union[Tensor, _Mapping]] = ..., is_intervention: _Optional[bool] = ..., reward: _Optional[float] = ..., discrete_penalty: _Optional[float] = ..., terminated: _Optional[bool] = ..., truncated: _Optional[bool] = ..., is_success: _Optional[bool] = ...) -> None: ...
