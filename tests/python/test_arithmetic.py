"""What is said of evaluations by float32, beside what PyTorch computes in it."""

import itertools

import numpy
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import verissim  # noqa: E402


def convolutional(seed):
    torch.manual_seed(seed)
    layers = [nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(3, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3)]
    model = nn.Sequential(*layers)
    model[1].running_mean.normal_()
    model[1].running_var.uniform_(0.1, 2)
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_normal_(module.weight)
            nn.init.normal_(module.bias, std=0.2)
    return model.eval()


def evaluations(model, x):
    """The scores of one image, as PyTorch computes them in several ways."""
    before = torch.get_num_threads()
    try:
        for threads, onednn, batch in itertools.product((1, 3), (True, False), (1, 2, 17)):
            torch.set_num_threads(threads)
            with torch.no_grad(), torch.backends.mkldnn.flags(enabled=onednn):
                yield model(x.repeat(batch, 1, 1, 1))[-1]
    finally:
        torch.set_num_threads(before)


def leads(scores, label):
    rest = torch.cat([scores[:label], scores[label + 1 :]])
    return bool(scores[label] > rest.max())


def is_lost_everywhere(model, found, label):
    single = found.image.astype(numpy.float32)
    assert (single.astype(numpy.float64) == found.image).all()  # an image that a program can be given
    return not any(leads(scores, label) for scores in evaluations(model, torch.from_numpy(single)[None]))


class Swallowing(nn.Module):
    """y_0 = x_0 + x_1 + c - c and y_1 a little less than at the value: sums of float32 may lose a part of the image."""

    def __init__(self, order, value):
        super().__init__()
        self.first, self.last = nn.Linear(2, 4), nn.Linear(4, 2)
        with torch.no_grad():
            rows = torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 0]])
            self.first.weight.copy_(rows[order])
            self.first.bias.copy_(torch.tensor([0, 0, 4096.0, 4096.0])[order])
            self.last.weight.copy_(torch.tensor([[1.0, 1, 1, -1], [0, 0, 0, 0]])[:, order])
            self.last.bias.copy_(torch.tensor([0, 2 * value - 1e-4]))

    def forward(self, x):
        return self.last(torch.relu(self.first(x.flatten(1))))


def test_verdicts_agree_with_pytorch():
    verdicts = set()
    for seed in range(6):
        model = convolutional(seed)
        torch.manual_seed(100 + seed)
        image = torch.rand(3, 4, 4)
        label = int(model(image[None])[0].argmax())
        for limit in ("0.999", "0.98", "0.9", "0.7"):
            result = verissim.verify(model, image, label, ssim=limit, arithmetic="float32", timeout=20)
            assert result.arithmetic == result.to_dict()["arithmetic"] == "float32"
            verdicts.add(result.verdict)
            if result.robust:
                assert verissim.verify(model, image, label, ssim=limit).robust  # exact arithmetic is included
                assert leads(model(image[None])[0], label)
            if result.verdict == "not robust":
                assert all(is_lost_everywhere(model, found, label) for found in result.counterexamples)
                break
    assert {"robust", "not robust"} <= verdicts


def test_terms_that_swallow_others_are_never_robust():
    fooled = 0
    for order, value in itertools.product(itertools.permutations(range(4)), (0.3001, 0.3003, 0.30037)):
        model, image = Swallowing(list(order), value), torch.full((1, 1, 2), value)
        fooled += not leads(model(image[None])[0], 0)
        assert verissim.verify(model, image, 0, ssim="0.99999999").robust
        result = verissim.verify(model, image, 0, ssim="0.99999999", arithmetic="float32")
        assert result.verdict == "unknown" and result.margin <= 0
    assert fooled > 0, "PyTorch lost nothing, whatever the order of the neurons"


def test_attack_and_threshold():
    for seed in (0, 3):
        model = convolutional(seed)
        torch.manual_seed(100 + seed)
        image = torch.rand(3, 4, 4)
        label = int(model(image[None])[0].argmax())
        found = verissim.attack(model, image, label, ssim=0.5, arithmetic="float32", wanted=3)
        assert found and all(is_lost_everywhere(model, one, label) for one in found)
        threshold = verissim.threshold(model, image, label, gap=0.2, arithmetic="float32", timeout=20)
        assert threshold.to_dict()["arithmetic"] == "float32"
        assert is_lost_everywhere(model, threshold.counterexample, label)
        proved = verissim.verify(model, image, label, ssim=threshold.proved_at, arithmetic="float32")
        assert proved.robust and 0 < proved.margin


def test_repair(small):
    from torch.utils.data import DataLoader, TensorDataset

    references = []
    for k in range(12):
        image, label = small.reference(k)
        if verissim.verify(small.network, image, label, ssim=0.99).verdict == "not robust":
            references.append((image, label, 0.99))
    assert references
    loader = DataLoader(TensorDataset(small.images, small.labels), batch_size=64)
    repaired = verissim.repair(small.network, references[:1], loader, arithmetic="float32", verify_timeout=30)
    assert repaired.robust and [result.arithmetic for result in repaired.results] == ["float32"]
    image, label, limit = references[0]
    assert verissim.verify(repaired.model, image, label, ssim=limit, arithmetic="float32").robust


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.line, self.factor = nn.Linear(4, 2), nn.Parameter(torch.rand(2) + 1)
        self.register_buffer("fixed", torch.rand(2))
        self.plain = torch.rand(2)

    def forward(self, x):
        return self.line(x.flatten(1)) * self.factor + self.fixed - self.plain


class Hidden(Product):
    """Of what is computed only a Python number remains."""

    def forward(self, x):
        return self.line(x.flatten(1)) / self.factor.norm().item()


class Viewed(Product):
    """Nothing is computed but with the image."""

    def forward(self, x):
        weight = self.line.weight[:, :4].view(2, -1).t()
        return x.flatten(1) @ weight + float(self.fixed[0]) * self.factor.shape[0]


class Computed(Product):
    def forward(self, x):
        return self.line(x.flatten(1)) * (self.factor * self.fixed)


def test_what_may_be_rounded_otherwise_is_refused():
    torch.manual_seed(1)
    image = torch.rand(1, 2, 2)
    question = {"ssim": 0.999, "arithmetic": "float32"}
    for model in (Product(), Viewed()):
        assert verissim.verify(model, image, **question).verdict in ("robust", "not robust")
    for model in (Computed(), Hidden()):
        assert verissim.verify(model, image, ssim=0.999).arithmetic == "exact"
    normal = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))
    neither = "neither image, parameter, buffer nor attribute"
    doubted = [(Computed(), neither), (Hidden(), neither), (nn.Sequential(nn.Flatten(), normal), neither)]
    doubted += [(nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.LogSoftmax(1)), "log_softmax")]
    doubted += [(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).bfloat16(), "bfloat16")]
    for model, message in doubted:
        with pytest.raises(verissim.InputError, match=message) as error:
            verissim.verify(model, image, **question)
        assert "\n" not in str(error.value) and "wanted \"exact\"" in str(error.value)


@pytest.mark.parametrize("name", ["float16", "", None, 32])
def test_another_arithmetic_is_no_question(small, name):
    image, label = small.reference(0)
    for ask in (verissim.verify, verissim.attack):
        with pytest.raises(verissim.InputError, match="arithmetic: got .* wanted 'exact' or 'float32'"):
            ask(small.network, image, label, ssim=0.99, arithmetic=name)
    with pytest.raises(verissim.InputError, match="arithmetic"):
        verissim.threshold(small.network, image, label, arithmetic=name)
    with pytest.raises(verissim.InputError, match="arithmetic"):
        verissim.repair(small.network, [(image, label, 0.99)], arithmetic=name)


def test_certificates_for_float32(small):
    pixels = (small.reference(0)[0] * 255).round().to(torch.uint8)
    verdicts = set()
    for limit in (0.999, 0.3):
        result = verissim.verify(small.network, pixels, ssim=limit, arithmetic="float32", certificate=True)
        verdicts.add(result.verdict)
        claim = (result.certificate, small.network, pixels, result.label, limit)
        assert verissim.check(*claim, arithmetic="float32").verdict == result.verdict
        assert "another measure or arithmetic" in verissim.check(*claim).message
        exact = verissim.verify(small.network, pixels, ssim=limit, certificate=True)
        assert verissim.check(exact.certificate, *claim[1:], arithmetic="float32").verdict == "rejected"
    assert verdicts == {"robust", "not robust"}
    with pytest.raises(verissim.InputError, match="arithmetic"):
        verissim.check(*claim, arithmetic="float16")


def test_batch_normalisation_has_no_certificate_for_float32():
    pytest.importorskip("onnx")
    torch.manual_seed(4)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)).eval()
    pixels = torch.full((4, 4), 100, dtype=torch.uint8)
    assert verissim.verify(model, pixels, ssim=0.99999, certificate=True).certificate is not None
    with pytest.raises(verissim.InputError, match="BatchNormalization in float32"):
        verissim.verify(model, pixels, ssim=0.99999, arithmetic="float32", certificate=True)
