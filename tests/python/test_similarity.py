"""SSIM against the libraries themselves, whose conventions Verissim names."""

import numpy
import pytest
import verissim
from conftest import fashion


def pairs():
    images, _ = fashion("test", 6)
    generator = numpy.random.default_rng(1)
    for k in (0, 2, 4):
        yield images[k].astype(numpy.float64), images[k + 1].astype(numpy.float64)
        noisy = numpy.clip(images[k] + 0.1 * generator.standard_normal(images[k].shape), 0, 1)
        yield images[k].astype(numpy.float64), noisy
    colour = generator.random((3, 24, 20))
    yield colour, numpy.clip(colour + 0.1 * generator.standard_normal(colour.shape), 0, 1)


def test_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    for a, b in pairs():
        plain = metrics.structural_similarity(a, b, channel_axis=0, data_range=1.0)
        assert verissim.ssim(a, b, "skimage") == pytest.approx(plain, abs=1e-10)
        gaussian = metrics.structural_similarity(a, b, channel_axis=0, data_range=1.0, gaussian_weights=True)
        assert verissim.ssim(a, b, "skimage-gaussian") == pytest.approx(gaussian, abs=1e-10)


def test_torchmetrics():
    functional = pytest.importorskip("torchmetrics.functional.image")
    torch = pytest.importorskip("torch")
    for a, b in pairs():
        theirs = functional.structural_similarity_index_measure(
            torch.from_numpy(a)[None], torch.from_numpy(b)[None], data_range=1.0
        )
        assert verissim.ssim(a, b, "torchmetrics") == pytest.approx(float(theirs), abs=1e-6)


def test_pytorch_msssim():
    library = pytest.importorskip("pytorch_msssim")
    torch = pytest.importorskip("torch")
    for a, b in pairs():
        theirs = library.ssim(torch.from_numpy(a)[None], torch.from_numpy(b)[None], data_range=1.0)
        # Its window is single precision.
        assert verissim.ssim(a, b, "wang") == pytest.approx(float(theirs), abs=1e-6)


def test_the_global_convention_is_its_formula():
    for a, b in pairs():
        covariance = numpy.mean((a - a.mean()) * (b - b.mean()))
        left = (2 * a.mean() * b.mean() + 1e-4) / (a.mean() ** 2 + b.mean() ** 2 + 1e-4)
        right = (2 * covariance + 9e-4) / (a.var() + b.var() + 9e-4)
        assert verissim.ssim(a, b) == pytest.approx(left * right, abs=1e-12)


def test_names_and_errors():
    assert {"global", "skimage", "torchmetrics", "wang"} <= set(verissim.conventions())
    a = numpy.zeros((1, 8, 8))
    assert verissim.ssim(a, a) == 1.0
    with pytest.raises(verissim.InputError, match="one of global"):
        verissim.ssim(a, a, "own")
    with pytest.raises(verissim.InputError, match="shape|values"):
        verissim.ssim(a, numpy.zeros((1, 8, 7)))


def test_files(tmp_path):
    PIL = pytest.importorskip("PIL.Image")
    pixels = numpy.random.default_rng(1).integers(0, 256, (12, 12), dtype=numpy.uint8)
    PIL.fromarray(pixels).save(tmp_path / "a.png")
    assert verissim.ssim(tmp_path / "a.png", PIL.fromarray(pixels)) == 1.0
