"""Observations to one vector of features: pictures through a convolution, vectors through a small layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Sizes of an `ObservationEncoder`; the names are those of the configuration."""

    state_encoder_hidden_dim: int = 64
    """Size of the encoded vectors; 0 passes them on as they are."""
    latent_dim: int = 64
    """Size of the encoding of one camera."""
    image_encoder_hidden_dim: int = 32
    """Channels of the convolution's first layer; the others have twice as many."""
    image_size_encoder: int = 64
    """Larger pictures are shrunk by a whole factor to about this height and width [pixels]."""
    shift_pixels: int = 4
    """Largest random shift, in pixels of the stored picture."""
    image_embedding_pooling_dim: int = 8
    """Learned spatial embeddings per channel of a pretrained encoder's features."""
    dropout: float = 0.1
    """On the pooled features of a pretrained encoder, in training."""
    use_amp: bool = False
    """bfloat16 in everything that sees pictures."""


class Normalizer(Protocol):
    """How the encoder is to see a feature: its numbers scaled, uint8 pictures as floating point."""

    def normalize(self, name: str, value: Tensor) -> Tensor: ...


class Backbone(nn.Module, ABC):
    """A pretrained encoder of pictures: uint8 (B, C, H, W) -> (B, C', h, w)."""

    trainable: bool
    """Else its features are constants, which can stand in for the pictures."""

    @abstractmethod
    def feature_shape(self, image_shape: Shape) -> Shape:
        """(C', h, w) for pictures (C, H, W)."""


@dataclass(frozen=True, slots=True)
class EncoderNoise:
    """The randomness of one training pass over B observations with C cameras; none at all when acting."""

    shift: Tensor
    """(C, B, 2) int64 in [0, 2 * shift_pixels]: rows and columns; shift_pixels is the centre."""
    dropout: Tensor
    """(C, B, D) uniform in [0, 1): what is below the rate is dropped. D is 0 without pretrained features."""


def random_shift(images: Tensor, shift: Tensor, pad: int, stride: int = 1) -> Tensor:
    """Crops `images` (B, C, H, W) at offsets `shift` (B, 2) in [0, 2 * pad] after padding by repeated edges.

    Only every `stride`-th row and column is kept, and nothing else is copied: the cost is that of the result.
    """
    padded = F.pad(images, (pad,) * 4, mode="replicate")
    windows = shrink(padded.unfold(2, images.shape[2], 1).unfold(3, images.shape[3], 1), stride)
    index = torch.arange(len(images), device=images.device)
    rows, columns = shift.unbind(-1)
    return windows[index, :, rows, columns]


def shrink(images: Tensor, stride: int) -> Tensor:
    """Every `stride`-th row and column of (..., H, W): a view of (..., H // stride, W // stride)."""
    height, width = (size // stride * stride for size in images.shape[-2:])
    return images[..., :height:stride, :width:stride]


class DenseTanh(nn.Sequential):
    """Dense -> LayerNorm -> tanh."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__(nn.Linear(in_dim, out_dim), nn.LayerNorm(out_dim), nn.Tanh())


class Camera(nn.Module, ABC):
    """One camera's pictures, or pretrained features, to (B, latent_dim)."""

    pad: int
    stride: int = 1
    dropout_dim: int = 0

    @abstractmethod
    def forward(self, x: Tensor, dropout: Tensor | None) -> Tensor: ...

    def crop(self, images: Tensor, shift: Tensor | None) -> Tensor:
        """uint8 pictures (B, C, H, W) as this camera wants them: shrunk, and shifted in training."""
        if shift is None:
            return shrink(images, self.stride)
        return random_shift(images, shift, self.pad, self.stride)


class ConvCamera(Camera):
    """A small strided convolution trained from scratch on normalised pictures (B, C, h, w)."""

    def __init__(self, shape: Shape, config: EncoderConfig) -> None:
        super().__init__()
        channels, height, width = shape
        self.pad = config.shift_pixels
        self.stride = max(1, min(height, width) // config.image_size_encoder)
        narrow, wide = config.image_encoder_hidden_dim, 2 * config.image_encoder_hidden_dim
        self.convolution = nn.Sequential(
            nn.Conv2d(channels, narrow, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(narrow, wide, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        with torch.no_grad():
            example = torch.zeros(1, channels, height // self.stride, width // self.stride)
            flat_dim = self.convolution(example).shape[-1]
        self.head = DenseTanh(flat_dim, config.latent_dim)

    def forward(self, x: Tensor, dropout: Tensor | None) -> Tensor:
        latent: Tensor = self.head(self.convolution(x))
        return latent


class SpatialEmbeddings(nn.Module):
    """Learned weighted sums over the places of a feature map: (B, C, h, w) -> (B, C * num_embeddings)."""

    def __init__(self, shape: Shape, num_embeddings: int) -> None:
        super().__init__()
        places = shape[1] * shape[2]
        self.kernel = nn.Parameter(torch.randn(*shape, num_embeddings) / places**0.5)

    def forward(self, features: Tensor) -> Tensor:
        return torch.einsum("bchw,chwf->bcf", features, self.kernel).flatten(1)


class FeatureCamera(Camera):
    """The features (B, C', h, w) of a pretrained encoder, pooled by learned spatial embeddings."""

    def __init__(self, shape: Shape, config: EncoderConfig) -> None:
        super().__init__()
        self.pad, self.rate = config.shift_pixels, config.dropout
        self.pooling = SpatialEmbeddings(shape, config.image_embedding_pooling_dim)
        self.dropout_dim = shape[0] * config.image_embedding_pooling_dim
        self.head = DenseTanh(self.dropout_dim, config.latent_dim)

    def forward(self, x: Tensor, dropout: Tensor | None) -> Tensor:
        pooled = self.pooling(x.to(self.pooling.kernel.dtype))
        if dropout is not None:
            pooled = pooled * (dropout >= self.rate) / (1 - self.rate)
        latent: Tensor = self.head(pooled)
        return latent


class ObservationEncoder(nn.Module):
    """Observation -> (B, feature_dim): the encoding of the vectors, then that of each camera.

    `vectors` and `images` hold the shapes of the observation's features by name. With a frozen `backbone` an
    observation may hold its features in place of pictures, as `embed` gives them; these are not shifted.
    """

    def __init__(
        self,
        vectors: Mapping[str, Shape],
        images: Mapping[str, Shape],
        normalizer: Normalizer,
        config: EncoderConfig,
        backbone: Backbone | None = None,
    ) -> None:
        super().__init__()
        self.vector_names, self.image_names = sorted(vectors), sorted(images)
        self.config, self.normalizer, self.backbone = config, normalizer, backbone
        self.cameras = nn.ModuleList(self._camera(images[name]) for name in self.image_names)
        state_dim = vector_dim = sum(shape[0] for shape in vectors.values())
        self.state: nn.Module = nn.Identity()
        if vector_dim and config.state_encoder_hidden_dim:
            state_dim = config.state_encoder_hidden_dim
            self.state = DenseTanh(vector_dim, state_dim)
        self.feature_dim = state_dim + config.latent_dim * len(images)

    def _camera(self, shape: Shape) -> Camera:
        if self.backbone is None:
            return ConvCamera(shape, self.config)
        return FeatureCamera(self.backbone.feature_shape(shape), self.config)

    def forward(self, observation: Mapping[str, Tensor], noise: EncoderNoise | None = None) -> Tensor:
        parts = [self._encode(index, observation[name], noise) for index, name in enumerate(self.image_names)]
        if self.vector_names:
            vectors = [self.normalizer.normalize(name, observation[name]) for name in self.vector_names]
            parts.insert(0, self.state(torch.cat(vectors, dim=-1)))
        return torch.cat(parts, dim=-1)

    @torch.no_grad()
    def embed(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The observation with a frozen backbone's features in place of pictures: once for all who look."""
        if self.backbone is None or self.backbone.trainable:
            return dict(observation)
        return {
            name: self.backbone(x) if name in self.image_names and x.dtype == torch.uint8 else x
            for name, x in observation.items()
        }

    def _encode(self, index: int, x: Tensor, noise: EncoderNoise | None) -> Tensor:
        if not self.config.use_amp:
            return self._see(index, x, noise)
        with torch.autocast(x.device.type, torch.bfloat16):
            return self._see(index, x, noise).float()

    def _see(self, index: int, x: Tensor, noise: EncoderNoise | None) -> Tensor:
        camera = cast(Camera, self.cameras[index])
        if x.dtype == torch.uint8:
            x = camera.crop(x, noise.shift[index] if noise else None)
            x = self.backbone(x) if self.backbone else self.normalizer.normalize(self.image_names[index], x)
        latent: Tensor = camera(x, noise.dropout[index] if noise else None)
        return latent

    def draw_noise(self, batch_size: int, generator: torch.Generator) -> EncoderNoise | None:
        """Random shifts and dropout for one training pass; none without cameras."""
        if not self.image_names:
            return None
        cameras = cast(list[Camera], list(self.cameras))
        offsets, width = 2 * self.config.shift_pixels + 1, cameras[0].dropout_dim
        shape, device = (len(cameras), batch_size), generator.device
        return EncoderNoise(
            torch.randint(offsets, (*shape, 2), generator=generator, device=device),
            torch.rand(*shape, width, generator=generator, device=device),
        )
