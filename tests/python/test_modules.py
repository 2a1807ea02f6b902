"""nn.Modules, read by tracing: what is read is what PyTorch computes, and what cannot be read is refused."""

import types

import numpy
import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
import verissim  # noqa: E402
from torch import nn  # noqa: E402


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding="same")
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if inputs != outputs else nn.Identity()

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        y += self.shortcut(x)
        return torch.relu(y)


class Residual(nn.Module):
    """Convolutions, batch norm, residual connections, functional ReLUs, pooling and flattening."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.3]).view(1, 1, 1))
        self.stem = nn.Conv2d(1, 3, 3, stride=2, padding=1)
        self.block1 = Block(3, 3)
        self.block2 = Block(3, 4, 2)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        if x.dim() == 3:
            x = x.unsqueeze(0)
        x = (x - self.mean) / 0.5
        x = F.leaky_relu(self.stem(x), 0.1)
        x = self.block2(F.max_pool2d(self.block1(x), 2, ceil_mode=True))
        x = F.adaptive_avg_pool2d(x, 2) if x.shape[2] > 2 else x
        x = torch.flatten(x, 1)
        return F.log_softmax(self.head(self.dropout(x)), dim=1)


def settle(network, shape=(1, 14, 14)):
    """Batch norm with statistics of its own."""
    torch.manual_seed(2)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(8, *shape))
    return network


def check_scores(network, shape, give=None):
    """The network read gives the scores that PyTorch gives in double precision."""
    torch.manual_seed(1)
    model = verissim.load(network, shape)
    before = [part.training for part in network.modules()]
    for _ in range(4):
        image = torch.rand(1, *shape)
        ours = model.scores(image.double().numpy().reshape(-1))
        assert [part.training for part in network.modules()] == before
        states = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        network.eval().double()
        with torch.no_grad():
            theirs = network(image.double() if give is None else give(image.double()))[0].numpy()
        network.float().load_state_dict(states)
        for part, training in zip(network.modules(), before):
            part.training = training
        assert numpy.allclose(ours - ours[0], theirs - theirs[0], rtol=1e-9, atol=1e-9)


def test_a_residual_network_without_changes():
    torch.manual_seed(0)
    network = settle(Residual())
    check_scores(network, (1, 14, 14))
    image = torch.rand(1, 14, 14)
    wanted = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    result = verissim.verify(network, image, ssim=0.9999, timeout=20)
    assert network.training and network.block1.norm1.training
    assert all(torch.equal(wanted[name], tensor) for name, tensor in network.state_dict().items())
    if result.counterexample:
        with torch.no_grad():
            scores = network.eval().double()(torch.from_numpy(result.counterexample.image)[None])[0]
        assert scores[result.counterexample.rival] >= scores[result.label] - 1e-9


SEQUENTIALS = {
    "strided": [nn.Conv2d(2, 4, 3, 2, 1), nn.ReLU6(), nn.AvgPool2d(2, count_include_pad=False), nn.Flatten(), nn.Linear(16, 3)],
    "grouped": [nn.Conv2d(2, 4, 3, groups=2, dilation=2), nn.PReLU(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)],
    "padded": [nn.ZeroPad2d(1), nn.Conv2d(2, 3, 3, bias=False), nn.Hardtanh(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)],
    "flat": [nn.Flatten(), nn.Linear(128, 8), nn.BatchNorm1d(8), nn.LeakyReLU(), nn.Dropout(), nn.Identity(), nn.Linear(8, 3)],
}


@pytest.mark.parametrize("name", SEQUENTIALS)
def test_layers(name):
    torch.manual_seed(3)
    check_scores(settle(nn.Sequential(*SEQUENTIALS[name]), (2, 8, 8)), (2, 8, 8))


class Function(nn.Module):
    """Some forward behind and before a layer."""

    def __init__(self, function, inputs=32):
        super().__init__()
        torch.manual_seed(4)
        self.layer = nn.Linear(inputs, 3)
        self.weight = nn.Parameter(torch.randn(32, 6))
        self.scale = nn.Parameter(torch.rand(2, 1, 1) + 0.5)
        self.function = function

    def forward(self, x):
        return self.function(self, x)


FUNCTIONS = {
    "view": lambda s, x: s.layer(x.view(x.size(0), -1)),
    "reshape": lambda s, x: s.layer(x.reshape(len(x), x.shape[1] * 16)),
    "permute": lambda s, x: s.layer(x.permute(0, 2, 3, 1).contiguous().flatten(1)),
    "transpose": lambda s, x: s.layer(x.transpose(2, 3).reshape(1, -1)),
    "scalars": lambda s, x: s.layer((2 * x - 1 + x / 4 - (1 - x)).flatten(1)),
    "parameters": lambda s, x: s.layer((x * s.scale + s.scale).flatten(1)),
    "matmul": lambda s, x: (x.flatten(1) @ s.weight)[:, 1:4],
    "addmm": lambda s, x: torch.addmm(s.layer.bias, x.flatten(1), s.layer.weight.t()),
    "clamp": lambda s, x: s.layer(x.clamp(0.2, 0.7).flatten(1)),
    "clamp_min": lambda s, x: s.layer((x - 0.5).clamp(min=0).flatten(1)),
    "absolute": lambda s, x: s.layer((x - 0.5).abs().flatten(1)),
    "maximum": lambda s, x: s.layer(torch.maximum(x, 1 - x).flatten(1)),
    "larger": lambda s, x: s.layer(torch.max(x, s.scale - x).flatten(1)),
    "chunks": lambda s, x: s.layer(torch.cat(x.chunk(2, dim=1)[::-1], dim=1).flatten(1)),
    "splits": lambda s, x: s.layer(torch.cat(torch.split(x, [1, 3], dim=2), 2).flatten(1)),
    "stack": lambda s, x: s.layer(torch.stack([x[:, 1], x[:, 0]], dim=1).flatten(1)),
    "indices": lambda s, x: s.layer(torch.cat([x[:, :1, ..., ::2], x[:, 1:, :, 1::2], x[:, -1:], x[:, 0, None]], 3)[..., :8].flatten(1)),
    "pad": lambda s, x: s.layer(F.pad(x[:, :, 1:, :], (0, 0, 1, 0), value=0.25).flatten(1)),
    "squeeze": lambda s, x: s.layer(x.unsqueeze(1).squeeze(1).flatten(1)),
    "mean": lambda s, x: s.layer((x - x.mean(dim=(2, 3), keepdim=True)).flatten(1)),
    "sum": lambda s, x: s.layer((x + x.sum(1, keepdim=True)).flatten(1)),
    "in place": lambda s, x: s.layer((x - 0.5).relu_().add_(1).mul_(0.5).flatten(1)),
    "negated": lambda s, x: s.layer(-x.flatten(1)),
    "double": lambda s, x: s.layer(x.to(s.layer.weight.dtype).to(x.device).flatten(1)),
    "log_softmax": lambda s, x: F.log_softmax(s.layer(x.flatten(1)), -1),
    "constant": lambda s, x: s.layer(x.flatten(1) + torch.ones(32, device=x.device, dtype=x.dtype)),
    "shapes": lambda s, x: s.layer(x.flatten(1)) if x.shape[1:] == (2, 4, 4) else 1 / 0,
}


def added_in_place(s, x):
    y = 2 * x
    y += x
    y -= 0.5
    y *= 2
    y /= 4
    return s.layer(y.flatten(1))


FUNCTIONS["added in place"] = added_in_place


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    check_scores(Function(FUNCTIONS[name]), (2, 4, 4))


def aliased(s, x):
    y = s.layer(x.flatten(1))
    y.view(-1).relu_()
    return y


def assigned(s, x):
    y = x.flatten(1).clone()
    y[:, 0] = 0
    return s.layer(y)


REFUSED = {
    "condition": (lambda s, x: s.layer(x.flatten(1)) * (2 if x.sum() > 0 else 1), "looks at values"),
    "item": (lambda s, x: s.layer(x.flatten(1)) * x.mean().item(), "looks at values"),
    "float": (lambda s, x: s.layer(x.flatten(1)) * float(x.mean()), "looks at values"),
    "numpy": (lambda s, x: s.layer(torch.from_numpy(x.numpy())), "looks at values"),
    "random": (lambda s, x: s.layer(x.flatten(1) + torch.rand(32)), "random"),
    "noise": (lambda s, x: s.layer(x.flatten(1) + torch.randn_like(x.flatten(1))), "randn_like"),
    "sigmoid": (lambda s, x: s.layer(x.flatten(1).sigmoid()), "sigmoid"),
    "softmax": (lambda s, x: F.softmax(s.layer(x.flatten(1)), 1), "leave it out"),
    "log_softmax within": (lambda s, x: F.log_softmax(s.layer(x.flatten(1)), 1) * 2, "behind log_softmax"),
    "product": (lambda s, x: s.layer((x * x).flatten(1)), "a constant"),
    "alias": (aliased, "overwritten in place"),
    "assignment": (assigned, "__setitem__"),
    "batch": (lambda s, x: s.layer(x.flatten(2)), "shape"),
    "tuple": (lambda s, x: (s.layer(x.flatten(1)), x), "tuple"),
    "constant output": (lambda s, x: s.weight, "Parameter"),
    "dropout": (lambda s, x: s.layer(F.dropout(x.flatten(1))), "evaluation"),
    "batch statistics": (lambda s, x: s.layer(F.batch_norm(x, None, None, training=True).flatten(1)), "evaluation"),
    "layer norm": (lambda s, x: s.layer(F.layer_norm(x.flatten(1), (32,))), "layer_norm"),
    "out": (lambda s, x: s.layer(torch.mul(x, 2, out=torch.empty(2, 4, 4)).flatten(1)), "mul"),
    "half": (lambda s, x: s.layer(x.half().float().flatten(1)), "half"),
    "NaN": (lambda s, x: s.layer(x.flatten(1) + torch.full((32,), float("nan"))), "NaN"),
    "its own error": (lambda s, x: s.layer(x[:, :, 0]), "PyTorch itself fails"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(name):
    function, message = REFUSED[name]
    with pytest.raises(verissim.InputError, match=message):
        verissim.verify(Function(function), torch.rand(2, 4, 4), ssim=0.9)


def test_errors_name_the_line():
    with pytest.raises(verissim.InputError, match=r"^in test_modules.py, line \d+: for sigmoid"):
        verissim.verify(Function(lambda s, x: s.layer(torch.sigmoid(x).flatten(1))), torch.rand(2, 4, 4), ssim=0.9)


def test_a_forward_that_remembers_is_refused():
    calls = []

    def forward(s, x):
        calls.append(1)
        return s.layer(x.flatten(1)) * len(calls)

    with pytest.raises(verissim.InputError, match="depends on more"):
        verissim.verify(Function(forward), torch.rand(2, 4, 4), ssim=0.9)


def test_modules_of_flat_images():
    torch.manual_seed(6)
    network = nn.Sequential(nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3))
    image = torch.rand(1, 4, 4)
    margins = {verissim.verify(network, one, 0, ssim=0.9).margin for one in (image, image.flatten())}
    assert len(margins) == 1


def test_the_network_is_that_of_images_if_it_takes_images():
    """A module that goes another way for flat input is not read that way."""
    network = Function(lambda s, x: s.layer(x) if x.dim() == 2 else s.layer(x.sigmoid().flatten(1)))
    with pytest.raises(verissim.InputError, match="sigmoid"):
        verissim.verify(network, torch.rand(2, 4, 4), ssim=0.9)


def test_wrappers_are_looked_through():
    torch.manual_seed(6)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    image = torch.rand(1, 4, 4)
    wanted = verissim.verify(network, image, 0, ssim=0.9).margin
    assert verissim.verify(nn.DataParallel(network), image, 0, ssim=0.9).margin == wanted
    assert verissim.verify(torch.compile(network), image, 0, ssim=0.9).margin == wanted


@pytest.mark.filterwarnings("ignore")
def test_exported_programs_and_graph_modules():
    network = settle(Residual()).eval()
    image = torch.rand(1, 14, 14)
    wanted = verissim.verify(network, image, 0, ssim=0.999999, timeout=20)
    exported = torch.export.export(network, (image[None],))
    result = verissim.verify(exported, image, 0, ssim=0.999999, timeout=20)
    assert (result.verdict, result.margin) == (wanted.verdict, wanted.margin)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(196, 4), nn.ReLU(), nn.Linear(4, 3))
    traced = torch.fx.symbolic_trace(plain)
    assert verissim.verify(traced, image, 0, ssim=0.9).margin == verissim.verify(plain, image, 0, ssim=0.9).margin


def test_double_and_half_weights_are_exact():
    torch.manual_seed(7)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 3))
    for kind in (torch.float64, torch.bfloat16, torch.float16):
        network.to(kind)
        model = verissim.load(network, (1, 4, 4))
        check = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 3)).double()
        check.load_state_dict({name: tensor.double() for name, tensor in network.state_dict().items()})
        image = torch.rand(1, 1, 4, 4, dtype=torch.float64)
        with torch.no_grad():
            assert numpy.allclose(model.scores(image.numpy().reshape(-1)), check(image)[0].numpy(), atol=1e-12)


CHANGES = {
    "in place": lambda n: n[1].bias.data.add_(1),
    "without gradient": lambda n: n[1].weight.requires_grad_(False).zero_(),
    "another parameter": lambda n: setattr(n[1], "bias", nn.Parameter(torch.tensor([0.0, 5.0, 0.0]))),
    "another layer": lambda n: n.__setitem__(1, nn.Linear(16, 3)),
    "numpy": lambda n: numpy.add(n[1].bias.detach().numpy(), [0, 0, 7], out=n[1].bias.detach().numpy(), casting="unsafe"),
    "attribute": lambda n: setattr(n[2], "negative_slope", -3.0),
    "hook": lambda n: n[1].register_forward_hook(lambda part, given, y: y * -2),
    "state": lambda n: n.load_state_dict({k: v * 2 + 1 for k, v in n.state_dict().items()}),
    "an optimiser's step": lambda n: step(n),
    "settings": lambda n: setattr(n[3].settings, "factor", 4.0),
    "a layer in a list": lambda n: n[3].hidden[0].bias.data.add_(torch.tensor([1.0, 0.0, 0.0])),
}


class Unregistered(nn.Module):
    def __init__(self):
        super().__init__()
        self.settings = types.SimpleNamespace(factor=2.0)
        self.hidden = [nn.Linear(3, 3)]

    def forward(self, x):
        return self.hidden[0](x) * self.settings.factor


def step(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    network(torch.ones(1, 1, 4, 4))[0, 0].backward()
    optimizer.step()


@pytest.mark.parametrize("name", CHANGES)
def test_changes_of_a_module_are_noticed(name):
    torch.manual_seed(8)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.LeakyReLU(0.2), Unregistered())
    image = torch.rand(1, 4, 4)
    first = verissim.load(network, (1, 4, 4))
    assert verissim.load(network, (1, 4, 4)) is first
    CHANGES[name](network)
    second = verissim.load(network, (1, 4, 4))
    assert second is not first
    with torch.no_grad():
        assert numpy.allclose(second.scores(image.double().numpy().reshape(-1)), network(image[None])[0].numpy(), atol=1e-5)


def test_the_cache_can_be_cleared():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    first = verissim.load(network, (1, 4, 4))
    verissim.clear_cache()
    assert verissim.load(network, (1, 4, 4)) is not first


def test_a_module_seen_before_is_not_traced_again(small, monkeypatch):
    from verissim import _torch_trace

    image, label = small.reference(0)
    verissim.verify(small.network, image, label, ssim=0.999)
    monkeypatch.setattr(_torch_trace, "trace", None)
    assert verissim.verify(small.network, image, label, ssim=0.999).label == label
