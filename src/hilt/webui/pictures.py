"""Pictures as the pages get them: JPEG, all of one control step in one message."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping

from PIL import Image

from hilt.webui.view import Picture, View

QUALITY = 82
TAG = b"pics"
"""The first bytes of the message; each kind of binary message has its own."""
TAG_BYTES = 4


def jpeg(picture: Picture) -> bytes:
    """`picture` uint8 [H, W, 3] as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def of(view: View) -> dict[str, Picture]:
    """Name -> picture, the view for people first and called "view"."""
    pictures = dict(view.pictures)
    return pictures if view.view is None else {"view": view.view, **pictures}


def pack(pictures: Mapping[str, Picture]) -> bytes:
    """The tag; the length of the header (4 bytes, little endian); the header, JSON [[name, bytes], ...]; the
    JPEGs."""
    encoded = {name: jpeg(picture) for name, picture in pictures.items()}
    header = json.dumps([[name, len(data)] for name, data in encoded.items()]).encode()
    return b"".join([TAG, struct.pack("<I", len(header)), header, *encoded.values()])
