"""Repair in PyTorch: references become robust, the module given stays as it is, accuracy is kept."""

import copy

import exact
import pytest

torch = pytest.importorskip("torch")
import verissim  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

LIMIT = 0.985


@pytest.fixture(scope="module")
def loaders(small):
    train = DataLoader(TensorDataset(small.images, small.labels), batch_size=64, shuffle=True)
    test = DataLoader(TensorDataset(small.test_images, small.test_labels), batch_size=100)
    return train, test


@pytest.fixture(scope="module")
def references(small):
    """Two that are refuted and one that is proved."""
    found = {"robust": [], "not robust": []}
    for k in range(60):
        image, label = small.reference(k)
        verdict = verissim.verify(small.network, image, label, ssim=LIMIT, timeout=5).verdict
        found.get(verdict, []).append((image, label, LIMIT))
    return found["not robust"][:2] + found["robust"][:1]


def test_repair(small, loaders, references):
    torch.manual_seed(1)
    before = copy.deepcopy(small.network.state_dict())
    rounds = []
    repaired = verissim.repair(small.network, references, *loaders, verify_timeout=60, progress=rounds.append)
    assert repaired.status == "robust" and repaired.robust
    assert all(torch.equal(before[name], tensor) for name, tensor in small.network.state_dict().items())
    assert repaired.model is not small.network
    for (image, label, limit), result in zip(references, repaired.results):
        assert result.robust and result.margin > 0
        again = verissim.verify(repaired.model, image, label, ssim=limit)
        assert again.robust
    assert repaired.accuracy_after >= repaired.accuracy_before - 0.05
    assert 0.5 < repaired.accuracy_before < 1
    first = repaired.rounds[0]
    assert len(rounds) == 2 * len(repaired.rounds) - 1 and not rounds[0].results[0].robust
    assert first.points >= 3 and first.epochs > 0 and first.points_wrong == 0
    # The counterexamples of the first round are none any more, but were.
    for (image, label, limit), result in zip(references, first.results):
        if result.counterexample:
            exact.check(small.network, image.numpy(), label, str(limit), result.counterexample)
            scores = exact.scores(repaired.model, result.counterexample.image)
            assert max(s for k, s in enumerate(scores) if k != label) < scores[label]
    assert repaired.to_dict()["status"] == "robust" and len(repaired.to_dict()["results"]) == 3


def test_any_module_optimiser_and_no_data():
    """Batch normalisation, SGD, flat images, and no training data at all."""
    torch.manual_seed(2)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    image = torch.rand(1, 4, 4)
    label = (int(network.eval()(image[None]).argmax()) + 1) % 3  # misclassified at first
    network.train()
    repaired = verissim.repair(
        network, [(image, label, 0.9)], optimizer=lambda p: torch.optim.SGD(p, lr=0.05), verify_timeout=60
    )
    assert repaired.robust and repaired.accuracy_before is None and repaired.accuracy_after is None
    assert network.training and not repaired.model.training
    assert torch.equal(network[1].running_mean, repaired.model[1].running_mean)
    assert verissim.verify(repaired.model, image, label, ssim=0.9).robust


def test_what_is_robust_already_is_not_changed(small, references):
    repaired = verissim.repair(small.network, references[2:])
    assert repaired.robust and len(repaired.rounds) == 1
    state = small.network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in repaired.model.state_dict().items())


def test_limits(small, references, loaders):
    none = verissim.repair(small.network, references[:1], *loaders, max_rounds=0)
    assert none.status == "round limit" and none.results[0].verdict == "not robust"
    short = verissim.repair(small.network, references[:1], *loaders, timeout=1e-9)
    assert short.status == "time limit" and not short.robust
    image, label, _ = references[0]
    stuck = verissim.repair(
        small.network, [(image, label, 0.99), (image, (label + 1) % 10, 0.99)], *loaders, max_epochs=1
    )
    assert stuck.status == "stuck" and stuck.rounds[0].points_wrong > 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"references": []}, "at least one"),
        ({"margin": 0}, "margin"),
        ({"measure": "l1"}, "measure"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"model": "net.pt"}, "nn.Module"),
        ({"model": torch.nn.Flatten()}, "no parameter"),
    ],
)
def test_wrong_input_is_an_input_error(small, references, change, message):
    with pytest.raises(verissim.InputError, match=message):
        verissim.repair(**{"model": small.network, "references": references, **change})
