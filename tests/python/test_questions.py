"""verify, attack and threshold on a network trained on real images, with modules, files, and every kind of image."""

import decimal
import os
import signal
import threading
import time

import exact
import numpy
import pytest

torch = pytest.importorskip("torch")
import verissim  # noqa: E402


def test_counterexamples_hold_in_rational_arithmetic_and_in_pytorch(small):
    refuted = 0
    for k in range(12):
        image, label = small.reference(k)
        result = verissim.verify(small.network, image, label=label, ssim=0.95)
        if result.verdict != "not robust":
            continue
        refuted += 1
        found = result.counterexample
        assert result.margin == found.margin <= 0
        exact.check(small.network, image.numpy(), label, "0.95", found)
        with torch.no_grad():
            scores = small.network.double()(torch.from_numpy(found.image)[None])[0]
        small.network.float()
        assert scores[found.rival] >= scores[label] - 1e-9
    assert refuted >= 3


def test_robust_images_resist_the_attack(small):
    proved = 0
    for k in range(12):
        image, label = small.reference(k)
        result = verissim.verify(small.network, image, label, ssim="0.998")
        if not result.robust:
            continue
        proved += 1
        assert 0 < result.margin <= result.margin_seen + 1e-5  # the latter in single precision
        assert result.counterexample is None
        assert verissim.attack(small.network, image, label, ssim=0.998) == []
    assert proved >= 3


def test_a_label_that_the_network_does_not_give(small):
    image, label = small.reference(0)
    result = verissim.verify(small.network, image, (label + 1) % 10, ssim=0.99)
    assert result.verdict == "not robust" and result.counterexample.rival == label
    assert (result.counterexample.image.astype(numpy.float32) == image.numpy()).all()


def test_the_networks_own_class_is_the_label_if_none_is_given(small):
    image, label = small.reference(1)
    assert verissim.verify(small.network, image, ssim=0.999).label == label


def test_every_kind_of_model_gives_the_same_answer(small, tmp_path):
    image, label = small.reference(2)
    name = str(tmp_path / "net")
    torch.save(small.network.state_dict(), name + ".pt")
    torch.jit.save(torch.jit.trace(small.network, image[None]), name + ".script")
    torch.onnx.export(small.network, (image[None],), name + ".onnx", dynamo=False)
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({k: v.contiguous() for k, v in small.network.state_dict().items()}, name + ".safetensors")
    onnx = pytest.importorskip("onnx").load(name + ".onnx")
    wanted = verissim.verify(small.network, image, label, ssim=0.99)
    models = [name + ending for ending in (".pt", ".script", ".onnx", ".safetensors")]
    models += [tmp_path / "net.pt", onnx, onnx.SerializeToString(), verissim.load(small.network, (1, 7, 7))]
    models += [torch.jit.script(small.network)]
    for model in models:
        result = verissim.verify(model, image, label, ssim=0.99)
        assert (result.verdict, result.margin) == (wanted.verdict, wanted.margin), model


def test_every_kind_of_image_gives_the_same_answer(small, tmp_path):
    PIL = pytest.importorskip("PIL.Image")
    pixels = numpy.rint(small.reference(3)[0].numpy()[0] * 255).astype(numpy.uint8)
    values = pixels.astype(numpy.float32) / numpy.float32(255)
    PIL.fromarray(pixels).save(tmp_path / "image.png")
    numpy.save(tmp_path / "image.npy", values[None])
    images = [pixels, pixels[..., None], pixels[None], values, values[None], values.astype(numpy.float64)]
    images += [values.reshape(-1), torch.from_numpy(values), torch.from_numpy(values)[None], torch.from_numpy(pixels)]
    images += [PIL.fromarray(pixels), tmp_path / "image.png", str(tmp_path / "image.npy")]
    answers = {verissim.verify(small.network, image, 3, ssim=0.99).margin for image in images}
    assert len(answers) == 1


def test_larger_images_are_resized_as_pillow_does(small, tmp_path):
    PIL = pytest.importorskip("PIL.Image")
    generator = numpy.random.default_rng(1)
    large = PIL.fromarray(generator.integers(0, 256, (20, 23, 3), dtype=numpy.uint8))
    large.save(tmp_path / "large.png")
    grey = numpy.asarray(large.convert("L").resize((7, 7), PIL.BILINEAR))
    answers = [
        verissim.verify(small.network, image, 1, ssim=0.99, dimension=(1, 7, 7)).margin
        for image in (large, tmp_path / "large.png", grey)
    ]
    assert answers[0] == answers[1] == answers[2]


def test_transparent_images_lie_on_black(small, tmp_path):
    PIL = pytest.importorskip("PIL.Image")
    pixels = numpy.random.default_rng(2).integers(0, 256, (7, 7, 4), dtype=numpy.uint8)
    image = PIL.fromarray(pixels)
    image.save(tmp_path / "alpha.png")
    margins = {verissim.verify(small.network, one, 1, ssim=0.99, dimension=(1, 7, 7)).margin
               for one in (image, tmp_path / "alpha.png")}
    assert len(margins) == 1


def test_batches(small):
    images = torch.stack([small.reference(k)[0] for k in range(3)])
    labels = [small.reference(k)[1] for k in range(3)]
    single = [verissim.verify(small.network, image, label, ssim=0.99) for image, label in zip(images, labels)]
    for batch in (images, images.numpy(), list(images)):
        for given in (labels, torch.tensor(labels), numpy.array(labels), None):
            results = verissim.verify(small.network, batch, given, ssim=0.99)
            assert [r.margin for r in results] == [r.margin for r in single]
    assert len(verissim.attack(small.network, images, labels, ssim=0.9)) == 3
    assert len(verissim.verify(small.network, images[:1], labels[:1], ssim=0.99)) == 1


@pytest.mark.parametrize("limit", [0.99, "0.99", decimal.Decimal("0.99"), numpy.float64(0.99), numpy.float32(0.99)])
def test_limits_are_decimal_numbers(small, limit):
    image, label = small.reference(0)
    assert verissim.verify(small.network, image, label, ssim=limit).limit == "0.99"


def test_other_neighbourhoods(small):
    image, label = small.reference(4)
    ball = verissim.verify(small.network, image, label, linf=0.2)
    assert ball.verdict == "not robust" and ball.measure == "linf"
    assert ball.counterexample.distance <= 0.2
    # Values of float32 are exact in float64, and the radius is 1/5 exactly.
    assert (abs(ball.counterexample.image - image.numpy().astype(numpy.float64)) <= 0.2 + 1e-15).all()
    ball = verissim.verify(small.network, image, label, l2=0.001)
    assert ball.verdict == "robust" and ball.measure == "l2"


def test_the_mean_over_channels():
    torch.manual_seed(5)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    image = torch.rand(3, 4, 4)
    result = verissim.verify(network, image, ssim=0.5, channels="mean")
    assert result.measure == "channel-ssim" and result.verdict == "not robust"
    found = result.counterexample
    ssim = verissim.ssim(found.image, image.double().numpy(), "global-per-channel")
    assert ssim == pytest.approx(found.ssim, abs=1e-12) and ssim >= 0.5 - 1e-12


def test_images_of_8_bits_alone(small):
    image, label = small.reference(0)
    result = verissim.verify(small.network, image, label, ssim=0.9, eight_bit=True)
    assert result.verdict == "not robust"
    found = result.counterexample
    assert found.rounded_is_counterexample
    assert (found.image.astype(numpy.float32) == found.rounded).all()
    assert (found.pixels().astype(numpy.float32) / numpy.float32(255) == found.rounded[0]).all()


def test_threshold(small):
    image, label = small.reference(0)
    result = verissim.threshold(small.network, image, label, gap=0.05)
    proved, refuted = decimal.Decimal(result.proved_at), decimal.Decimal(result.refuted_at)
    assert refuted < proved and 1 - refuted <= (1 - proved) * decimal.Decimal("1.05")
    exact.check(small.network, image.numpy(), label, result.refuted_at, result.counterexample)
    assert verissim.verify(small.network, image, label, ssim=result.proved_at).robust
    radius = verissim.threshold(small.network, image, label, measure="l2", gap=0.5)
    assert float(radius.proved_at) < float(radius.refuted_at)


def test_several_counterexamples(small):
    image, label = small.reference(0)
    found = verissim.attack(small.network, image, label, ssim=0.9, wanted=3, seed=2)
    assert 2 <= len(found) and [f.margin for f in found] == sorted(f.margin for f in found)
    for one in found:
        exact.check(small.network, image.numpy(), label, "0.9", one)


def test_the_time_limit(wide):
    network, image = wide
    result = verissim.threshold(network, image, gap=0.001, timeout=1)
    assert result.reason == "time limit reached"


def test_progress(wide):
    network, image = wide
    news, threads = [], set()

    def listen(progress):
        news.append(progress)
        threads.add(threading.get_ident())

    verissim.threshold(network, image, gap=0.001, timeout=2, progress=listen)
    assert news and threads == {threading.get_ident()}
    assert all(item.phase in ("attack", "root", "search", "question") for item in news)
    assert all(a.proved_at or b.proved_at or b.asked or b.phase != "question" for a, b in zip(news, news[1:]))


def test_what_progress_raises_ends_the_search(wide):
    network, image = wide

    def stop(progress):
        raise KeyError(progress.phase)

    with pytest.raises(KeyError):
        verissim.threshold(network, image, gap=0.001, timeout=300, progress=stop)


def test_control_c_ends_the_search(wide):
    network, image = wide
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # programs in the background ignore it
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            verissim.threshold(network, image, gap=0.001, timeout=120)
            pytest.fail("the search went on to its end")
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


def test_other_threads_go_on_meanwhile(wide):
    network, image = wide
    verissim.load(network, (1, 28, 28))
    count, done = [0], threading.Event()

    def work():
        while not done.is_set():
            count[0] += 1
            time.sleep(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    verissim.threshold(network, image, gap=0.001, timeout=2)
    done.set()
    thread.join()
    assert count[0] > 20


def test_questions_from_several_threads(small):
    import concurrent.futures

    items = [small.reference(k) for k in range(8)]
    wanted = [verissim.verify(small.network, image, label, ssim=0.99).margin for image, label in items]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda item: verissim.verify(small.network, *item, ssim=0.99).margin, items))
    assert found == wanted


def test_flushed_subnormals_of_the_caller_do_not_matter(small):
    image, label = small.reference(1)
    wanted = verissim.verify(small.network, image, label, ssim=0.999)
    assert torch.set_flush_denormal(True)
    try:
        result = verissim.verify(small.network, image, label, ssim=0.999)
    finally:
        torch.set_flush_denormal(False)
    assert (result.verdict, result.margin) == (wanted.verdict, wanted.margin) and result.robust


@pytest.mark.parametrize(
    "change, message",
    [
        ({"ssim": 1.5}, "above 0 and at most 1"),
        ({"ssim": 0}, "above 0 and at most 1"),
        ({"ssim": "high"}, "ssim"),
        ({"ssim": float("nan")}, "nan"),
        ({"ssim": None}, "exactly one of"),
        ({"linf": 0.1}, "exactly one of"),
        ({"ssim": None, "linf": -1}, "radius"),
        ({"ssim": None, "linf": 0.1, "channels": "mean"}, "joint"),
        ({"channels": "all"}, "channels"),
        ({"label": 10}, "0 to 9"),
        ({"label": -1}, "0 to 9"),
        ({"label": "shoe"}, "label"),
        ({"label": [1, 2]}, "one for each image"),
        ({"image": numpy.zeros((2, 7, 7), numpy.float32)}, "shape"),
        ({"label": True}, "label"),
        ({"image": numpy.full((1, 7, 7), 2.0)}, r"value \[0, 0, 0\]: got 2.0+, wanted a number from 0 to 1"),
        ({"image": numpy.eye(7) * numpy.nan}, r"value \[0, 0, 0\]: got nan, wanted a number from 0 to 1"),
        ({"image": numpy.eye(7) - numpy.eye(7)[::-1]}, r"value \[0, 0, 6\]: got -1.0+, wanted"),
        ({"image": numpy.zeros((1, 7, 7), numpy.int64)}, "uint8"),
        ({"image": "absent.png"}, "absent.png"),
        ({"image": 3}, "image"),
        ({"model": "absent.pt"}, "absent.pt"),
        ({"model": b"nonsense"}, "model"),
        ({"model": 3}, "model"),
        ({"threads": -1}, "threads"),
        ({"timeout": "long"}, "timeout"),
        ({"dimension": (1, 7)}, "dimension"),
        ({"dimension": 7}, "dimension: got 7, wanted"),
        ({"progress": 3}, "progress"),
    ],
)
def test_wrong_input_is_an_input_error(small, change, message):
    image, label = small.reference(0)
    question = {"model": small.network, "image": image, "label": label, "ssim": 0.99, **change}
    with pytest.raises(verissim.InputError, match=message) as error:
        verissim.verify(**question)
    assert isinstance(error.value, ValueError) and "\n" not in str(error.value)


def test_wrong_input_of_the_others(small):
    image, label = small.reference(0)
    with pytest.raises(verissim.InputError, match="gap: got 'much'"):
        verissim.threshold(small.network, image, label, gap="much")
    for references, message in (([(image, label)], "item 0: got 2 values, wanted"), (image, "item 0: got Tensor")):
        with pytest.raises(verissim.InputError, match=message):
            verissim.repair(small.network, references)
    for one in (image * 255, image * float("nan")):
        with pytest.raises(verissim.InputError, match="wanted a number from 0 to 1"):
            verissim.ssim(image, one)
