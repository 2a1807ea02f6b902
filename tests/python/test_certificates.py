"""Certificates from Python, checked by verissim-check, on a network trained on Fashion-MNIST."""

import copy
import os
import pickle
import subprocess

import numpy
import pytest

import verissim
from verissim import _certificates

torch = pytest.importorskip("torch")


def eight_bit(image):
    """The nearest image of 8 bits, as uint8 pixels H x W."""
    return numpy.rint(image.numpy()[0] * 255).astype(numpy.uint8)


@pytest.fixture(scope="module")
def proof(small):
    """A question whose answer is robust by a search, and its certificate."""
    for k in range(40):
        image, label = small.reference(k)
        pixels = eight_bit(image)
        result = verissim.verify(small.network, pixels, label, ssim=0.98, certificate=True)
        if result.robust and result.statistics.subproblems > 1:
            return pixels, label, result
    pytest.fail("no question of the test needed a search")


def test_a_proof_is_accepted(small, proof):
    pixels, label, result = proof
    assert isinstance(result.certificate, bytes) and result.no_certificate is None
    check = verissim.check(result.certificate, small.network, pixels, label, 0.98)
    assert check.verdict == "robust" and check.robust and check.message.startswith("ACCEPTED: robust")
    values = torch.from_numpy(pixels)[None].float() / 255
    assert verissim.check(result.certificate, small.network, values, torch.tensor(label), "0.98").robust


def test_what_was_not_proved_is_rejected(small, proof):
    pixels, label, result = proof
    other = pixels.copy()
    other[3, 3] ^= 1
    changed = copy.deepcopy(small.network)
    with torch.no_grad():
        changed[1].bias[0] = torch.nextafter(changed[1].bias[0], torch.tensor(9.0))
    spoiled = bytearray(result.certificate)
    spoiled[len(spoiled) // 2] ^= 1
    claims = [
        (result.certificate, small.network, pixels, label, 0.97),
        (result.certificate, small.network, pixels, (label + 1) % 10, 0.98),
        (result.certificate, small.network, other, label, 0.98),
        (result.certificate, changed, pixels, label, 0.98),
        (bytes(spoiled), small.network, pixels, label, 0.98),
        (b"", small.network, pixels, label, 0.98),
    ]
    for claim in claims:
        check = verissim.check(*claim)
        assert check.verdict == "rejected" and not check.robust and check.message.startswith("REJECTED: ")


def test_a_check_has_no_truth_value(small, proof):
    pixels, label, result = proof
    with pytest.raises(TypeError, match="verdict"):
        bool(verissim.check(result.certificate, small.network, pixels, label, 0.97))


def test_a_counterexample_is_accepted(small, proof):
    pixels, label, _ = proof
    result = verissim.verify(small.network, pixels, label, ssim=0.3, certificate=True)
    assert result.verdict == "not robust"
    assert verissim.check(result.certificate, small.network, pixels, label, 0.3).verdict == "not robust"
    assert verissim.check(result.certificate, small.network, pixels, label, 0.98).verdict == "rejected"


def test_files_and_the_program_itself(small, proof, tmp_path):
    pixels, label, _ = proof
    pillow = pytest.importorskip("PIL.Image")
    model, image, file = tmp_path / "net.pt", tmp_path / "image.png", tmp_path / "proof.certificate"
    torch.save(small.network.state_dict(), model)
    pillow.fromarray(pixels).save(image)
    result = verissim.verify(model, image, label, ssim=0.98, certificate=file)
    assert result.certificate == str(file) and file.exists()
    assert verissim.check(file, model, image, label, 0.98).robust
    assert verissim.check(file, model.read_bytes(), pillow.open(image), label, 0.98).robust
    words = [file, "--model", model, "--image", image, "--class", label, "--ssim", "0.98"]
    done = subprocess.run([_certificates.PROGRAM, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 20 and done.stdout.startswith("ACCEPTED: robust")


def test_onnx_with_convolutions(small, tmp_path):
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(2)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(75, 10)
    ).eval()
    pixels = eight_bit(small.reference(0)[0])
    model = tmp_path / "conv.onnx"
    torch.onnx.export(network, (torch.zeros(1, 1, 7, 7),), str(model), dynamo=False)
    for given in (model, model.read_bytes(), onnx.load(model)):
        result = verissim.verify(given, pixels, ssim=0.999, certificate=True)
        check = verissim.check(result.certificate, given, pixels, result.label, 0.999)
        assert check.verdict == result.verdict != "unknown", check.message


class Residual(torch.nn.Module):
    """What no state_dict tells: convolutions, batch normalisation, a sum, functions."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = torch.nn.Conv2d(1, 3, 3, padding=1, stride=2), torch.nn.BatchNorm2d(3)
        self.second, self.last = torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.Linear(48, 10)

    def forward(self, x):
        x = torch.nn.functional.relu(self.norm(self.first(x)))
        x = x + torch.nn.functional.relu(self.second(x))
        return self.last(torch.flatten(x, 1))


def test_modules_of_any_kind(small):
    pytest.importorskip("onnx")
    torch.manual_seed(3)
    network = Residual()
    network.norm.running_mean.normal_(std=0.1)
    network.norm.running_var.uniform_(0.5, 2)
    network.train()  # stays so, and does not matter
    pixels = eight_bit(small.reference(0)[0])
    plain = verissim.verify(network, pixels, ssim=0.999)
    result = verissim.verify(network, pixels, ssim=0.999, certificate=True)
    assert network.training and network.norm.training
    assert result.label == plain.label and result.verdict == plain.verdict != "unknown"
    check = verissim.check(result.certificate, network, pixels, result.label, 0.999)
    assert check.verdict == result.verdict, check.message
    assert verissim.check(result.certificate, network, pixels, result.label, 0.99).verdict == "rejected"
    with torch.no_grad():
        network.norm.running_mean[0] += 1e-6
    assert verissim.check(result.certificate, network, pixels, result.label, 0.999).verdict == "rejected"


def test_modules_with_hooks_are_what_the_hooks_make_of_them(small):
    pytest.importorskip("onnx")
    changed = copy.deepcopy(small.network)
    changed[1].register_forward_hook(lambda module, inputs, output: output + 0.125)
    pixels, label = eight_bit(small.reference(0)[0]), small.reference(0)[1]
    result = verissim.verify(changed, pixels, label, ssim=0.9999, certificate=True)
    assert result.verdict == verissim.verify(changed, pixels, label, ssim=0.9999).verdict != "unknown"
    assert verissim.check(result.certificate, changed, pixels, label, 0.9999).verdict == result.verdict
    assert verissim.check(result.certificate, small.network, pixels, label, 0.9999).verdict == "rejected"


def test_large_images_are_resized_by_the_checker_too(small, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    pixels = numpy.random.default_rng(5).integers(0, 256, (20, 23, 3), dtype=numpy.uint8)
    image = pillow.fromarray(pixels)
    image.save(tmp_path / "large.png")
    for given in (image, tmp_path / "large.png"):
        result = verissim.verify(small.network, given, ssim=0.9999, dimension=(1, 7, 7), certificate=True)
        check = verissim.check(result.certificate, small.network, given, result.label, 0.9999, dimension=(1, 7, 7))
        assert check.verdict == result.verdict != "unknown"


def test_batches_hold_one_each(small, tmp_path):
    pixels = [eight_bit(small.reference(k)[0]) for k in range(3)]
    labels = [small.reference(k)[1] for k in range(3)]
    results = verissim.verify(small.network, pixels, labels, ssim=0.99, certificate=True)
    for image, label, result in zip(pixels, labels, results):
        assert verissim.check(result.certificate, small.network, image, label, 0.99).verdict == result.verdict
    with pytest.raises(verissim.InputError, match="batch"):
        verissim.verify(small.network, pixels, labels, ssim=0.99, certificate=tmp_path / "one")


def test_without_a_verdict_there_is_none(wide, tmp_path):
    network, image = wide
    result = verissim.verify(network, image, ssim=0.999, timeout=1e-6, certificate=tmp_path / "none")
    assert result.verdict == "unknown" and result.certificate is None
    assert "no verdict" in result.no_certificate and os.listdir(tmp_path) == []


def test_results_with_certificates_are_values(proof):
    _, _, result = proof
    again = pickle.loads(pickle.dumps(result))
    assert again.certificate == result.certificate and "certificate" not in repr(again).replace("no_certificate", "")


@pytest.mark.parametrize(
    "network, what",
    [
        (lambda nn: nn.Sequential(nn.Flatten(), nn.Linear(49, 5), nn.Tanh(), nn.Linear(5, 3)), "Tanh"),
        (lambda nn: nn.Bilinear(7, 7, 3), "Bilinear"),
    ],
)
def test_modules_that_no_checker_reads_are_refused(network, what):
    pytest.importorskip("onnx")
    module = network(torch.nn).eval()
    with pytest.raises(verissim.InputError, match=what) as error:
        verissim.verify(module, numpy.zeros((7, 7), numpy.uint8), 0, ssim=0.99, certificate=True)
    assert "\n" not in str(error.value) and "model.onnx" not in str(error.value)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"image": numpy.full((1, 7, 7), 0.3, numpy.float32)}, "8 bits"),
        ({"ssim": None, "linf": 0.1}, "SSIM"),
        ({"channels": "mean"}, "SSIM"),
        ({"eight_bit": True}, "8 bits"),
        ({"certificate": 3}, "path of a file"),
        ({"certificate": "/nowhere/at/all"}, "/nowhere"),
    ],
)
def test_questions_without_certificates_are_refused(small, change, message):
    question = {"model": small.network, "image": numpy.zeros((7, 7), numpy.uint8), "label": 0, "ssim": 0.99}
    question.update({"certificate": True, **change})
    with pytest.raises(verissim.InputError, match=message):
        verissim.verify(**question)


@pytest.mark.parametrize("label, ssim", [(-1, 0.99), ("shoe", 0.99), (0, None), (0, True)])
def test_claims_that_are_none(small, label, ssim):
    with pytest.raises(verissim.InputError):
        verissim.check(b"", small.network, numpy.zeros((7, 7), numpy.uint8), label, ssim)
