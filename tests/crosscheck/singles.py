"""What programs may compute in float32, which add up in any order and may fuse products with sums."""

import rational
from model_files import single


def shuffled(rng):
    """As rational.affine, each time in another order."""

    def value(row, bias, x):
        terms = [bias]
        for w, v in zip(row, x):
            product = w * v  # exact: two float32
            terms.append(product if rng.random() < 0.3 else single(product))
        while len(terms) > 1:
            rng.shuffle(terms)
            terms.append(single(terms.pop() + terms.pop()))
        return single(terms[0])

    return lambda rows, biases, x: [value(row, bias, x) for row, bias in zip(rows, biases)]


def margin(net, label, x, rng):
    """x: numbers of float32."""
    y = rational.scores(net, x, shuffled(rng))
    return y[label] - max(v for k, v in enumerate(y) if k != label)
