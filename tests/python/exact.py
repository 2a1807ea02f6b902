"""A counterexample's claims in rational arithmetic, without anything of Verissim."""

from fractions import Fraction


def fractions(values):
    return [Fraction(float(value)) for value in values]


def scores(network, image):
    """Of a Sequential of Flatten, Linear and ReLU, on the weights as stored."""
    x = fractions(image.reshape(-1))
    for layer in network:
        kind = type(layer).__name__
        if kind == "Linear":
            weight, bias = layer.weight.tolist(), layer.bias.tolist()
            x = [sum(Fraction(w) * v for w, v in zip(row, x)) + Fraction(b) for row, b in zip(weight, bias)]
        elif kind == "ReLU":
            x = [max(v, Fraction(0)) for v in x]
        else:
            assert kind == "Flatten"
    return x


def global_ssim(a, b):
    a, b = fractions(a.reshape(-1)), fractions(b.reshape(-1))
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    variances = (sum(v * v for v in a) + sum(v * v for v in b)) / n - mean_a**2 - mean_b**2
    covariance = sum(v * w for v, w in zip(a, b)) / n - mean_a * mean_b
    c1, c2 = Fraction(1, 10000), Fraction(9, 10000)
    return (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))


def check(network, reference, label, threshold, counterexample):
    image = counterexample.image
    assert ((image >= 0) & (image <= 1)).all()
    assert global_ssim(image, reference) >= Fraction(threshold)
    values = scores(network, image)
    assert values[counterexample.rival] >= values[label] and counterexample.rival != label
    assert abs(float(values[label] - values[counterexample.rival]) - counterexample.margin) < 1e-9
