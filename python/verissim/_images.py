"""Images from whatever holds one: the values of the network's input, C x H x W, float32 from 0 to 1."""

from __future__ import annotations

import os
import sys
from typing import Any, List, NamedTuple, Optional, Tuple

from . import _engine
from ._numpy import numpy

InputError = _engine.InputError
Dimension = Tuple[int, int, int]


class Reference(NamedTuple):
    values: numpy.ndarray  # float32, flat in C, H, W order
    dimension: Dimension
    flat: bool  # whether it was given as one axis of values
    file: Optional[str] = None  # that it was read from


def is_torch_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_pil_image(value: Any) -> bool:
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def as_list(images: Any) -> Tuple[List[Any], bool]:
    """The images one by one, and whether they are a batch: a list, or an array with four axes."""
    if isinstance(images, (list, tuple)):
        return list(images), True
    if (is_torch_tensor(images) or isinstance(images, numpy.ndarray)) and images.ndim == 4:
        return [images[k] for k in range(images.shape[0])], True
    return [images], False


def stored_dimension(image: Any) -> Optional[Dimension]:
    """The size that an image has by itself."""
    if is_path(image):
        return tuple(_engine.stored_dimension(os.fspath(image)))
    if is_pil_image(image):
        grey = image.mode in ("1", "L", "LA", "I", "I;16", "F")
        return (1 if grey else 3, image.height, image.width)
    return None


def read(image: Any, dimension: Optional[Dimension]) -> Reference:
    """The image for a network of that input; of its own size if the dimension is None.

    Files and PIL images are resized as Pillow does (bilinear), arrays and tensors never.
    """
    if is_path(image) or is_pil_image(image):
        wanted = dimension or stored_dimension(image)
        values = _from_file(image, wanted) if is_path(image) else _from_pil(image, wanted)
        return Reference(values, wanted, False, os.fspath(image) if is_path(image) else None)
    array = _to_array(image)
    if array.dtype == numpy.uint8:
        array = _planes(array, dimension).astype(numpy.float32) / numpy.float32(255)
    elif array.dtype.kind != "f":
        raise InputError(f"image: got numbers of {array.dtype}, wanted floating-point numbers from 0 to 1 or uint8")
    shape = _shape_of(array.shape, dimension)
    values = numpy.ascontiguousarray(array, dtype=numpy.float32).reshape(-1)
    return Reference(values, shape, array.ndim == 1)


def _from_file(path: Any, dimension: Dimension) -> numpy.ndarray:
    return _engine.load_image(os.fspath(path), dimension)


def _from_pil(image: Any, dimension: Dimension) -> numpy.ndarray:
    channels, height, width = dimension
    if channels not in (1, 3):
        raise InputError(f"image: got a PIL image for {channels} channels, wanted an array of that shape")
    if "A" in image.mode or "transparency" in image.info:  # laid on black, as files are
        pixels = numpy.asarray(image.convert("RGBA"), dtype=numpy.int64)
        laid = (pixels[..., :3] * pixels[..., 3:] + 127) // 255
        image = sys.modules["PIL.Image"].fromarray(laid.astype(numpy.uint8))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), sys.modules["PIL.Image"].BILINEAR)
    pixels = numpy.asarray(image, dtype=numpy.uint8)
    planes = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    return numpy.ascontiguousarray(planes, dtype=numpy.float32).reshape(-1) / numpy.float32(255)


def _to_array(image: Any) -> numpy.ndarray:
    if is_torch_tensor(image):
        tensor = image.detach().cpu()
        if tensor.is_floating_point():
            tensor = tensor.float()
        return tensor.numpy()
    if isinstance(image, numpy.ndarray):
        return image
    raise InputError(
        f"image: got {type(image).__name__}, wanted a tensor, a NumPy array, a PIL image or the path of a file"
    )


def _planes(array: numpy.ndarray, dimension: Optional[Dimension]) -> numpy.ndarray:
    """Pixels H x W or H x W x C as planes; what is C x H x W already stays as it is."""
    if array.ndim != 3 or array.shape == dimension:
        return array
    last_is_channels = array.shape[2] in (1, 3)
    first_is_channels = array.shape[0] in (1, 3)
    if last_is_channels and (not first_is_channels or array.shape.count(array.shape[2]) == 1):
        return array.transpose(2, 0, 1)
    if first_is_channels:
        return array
    raise InputError(f"image: got pixels of shape {array.shape}, wanted H x W, H x W x 3 or 3 x H x W")


def _shape_of(shape: Tuple[int, ...], dimension: Optional[Dimension]) -> Dimension:
    if dimension is not None:
        channels, height, width = dimension
        size = channels * height * width
        allowed = {tuple(dimension), (size,)} | ({(height, width)} if channels == 1 else set())
        if tuple(shape) not in allowed:
            raise InputError(f"image: got an array of shape {tuple(shape)}, wanted {tuple(dimension)}")
        return tuple(dimension)
    if len(shape) == 1:
        return (1, 1, shape[0])
    if len(shape) == 2:
        return (1, shape[0], shape[1])
    if len(shape) == 3:
        return tuple(shape)
    raise InputError(f"image: got an array of {len(shape)} axes, wanted C x H x W, H x W or n values")
