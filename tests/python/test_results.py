"""Results as values: pickled, as dicts, as rows of tables."""

import json
import pickle

import numpy
import pytest

torch = pytest.importorskip("torch")
import verissim  # noqa: E402


@pytest.fixture(scope="module")
def answers(small):
    images = torch.stack([small.reference(k)[0] for k in range(6)])
    labels = [small.reference(k)[1] for k in range(6)]
    results = verissim.verify(small.network, images, labels, ssim=0.99)
    assert {r.verdict for r in results} == {"robust", "not robust"}
    return results


def test_results_can_be_pickled(answers, small):
    for result in answers:
        again = pickle.loads(pickle.dumps(result))
        assert again.to_dict(images=True) == result.to_dict(images=True)
        assert (again.counterexample is None) == (result.counterexample is None)
    image, label = small.reference(0)
    threshold = verissim.threshold(small.network, image, label, gap=0.5)
    assert pickle.loads(pickle.dumps(threshold)).to_dict() == threshold.to_dict()
    error = pickle.loads(pickle.dumps(verissim.InputError("bad")))
    assert isinstance(error, verissim.InputError)


def test_dicts_are_plain_and_flat(answers):
    for result in answers:
        row = result.to_dict()
        assert all(isinstance(value, (str, int, float, bool, type(None))) for value in row.values())
        assert json.loads(json.dumps(row)) == row
        assert row["verdict"] == result.verdict and row["subproblems"] == result.statistics.subproblems
        image = result.to_dict(images=True)["counterexample_image"]
        if result.counterexample:
            assert (numpy.array(image) == result.counterexample.image).all()
        else:
            assert image is None


def test_rows_of_pandas(answers):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame([result.to_dict() for result in answers])
    assert list(table["verdict"]) == [result.verdict for result in answers]
    assert len(table) == 6 and table["margin"].dtype == numpy.float64


def test_counterexamples_hold_images(answers):
    found = next(result.counterexample for result in answers if result.counterexample)
    assert found.image.shape == (1, 7, 7) and found.image.dtype == numpy.float64
    assert found.rounded.shape == (1, 7, 7) and found.rounded.dtype == numpy.float32
    assert found.pixels().shape == (7, 7) and found.pixels().dtype == numpy.uint8
    assert "rival=" in repr(found) and "array" not in repr(found)
