"""What a question means, in rational numbers."""

from fractions import Fraction

C1, C2 = Fraction(1, 10000), Fraction(9, 10000)


def affine(rows, biases, x):
    return [sum((w * v for w, v in zip(row, x) if w and v), start=b) for row, b in zip(rows, biases)]


def convolved(conv, shape, x, affine):
    kernels, biases = conv
    channels, height, width = shape
    values = []
    for kernel, bias in zip(kernels, biases):
        for i in range(height - 1):
            for j in range(width - 1):
                corners = [(c, i + p, j + q) for c in range(channels) for p in (0, 1) for q in (0, 1)]
                taps = [x[(c * height + row) * width + column] for c, row, column in corners]
                values.append(affine([kernel], [bias], taps)[0])
    return values


def largest(pool, shape, x):
    """Of each window of the images behind a convolution; windows move by one."""
    height, width = shape[1] - 1, shape[2] - 1
    values = []
    for c in range(len(x) // (height * width)):
        for i in range(height - pool[0] + 1):
            for j in range(width - pool[1] + 1):
                places = [(c * height + i + p) * width + j + q for p in range(pool[0]) for q in range(pool[1])]
                values.append(max(x[k] for k in places))
    return values


def scores(net, x, affine=affine):
    """net: with shape, conv (or None), pool and layers. In the arithmetic of x and the weights, and of `affine`."""
    if net["conv"]:
        active = [max(v, 0) for v in convolved(net["conv"], net["shape"], x, affine)]
        x = largest(net["pool"], net["shape"], active)
    for index, (rows, biases) in enumerate(net["layers"]):
        x = affine(rows, biases, [max(v, 0) for v in x] if index else x)
    return x


def exact(net):
    def rationals(pair):
        return [[Fraction(w) for w in row] for row in pair[0]], [Fraction(b) for b in pair[1]]

    conv = rationals(net["conv"]) if net["conv"] else None
    return {**net, "conv": conv, "layers": [rationals(layer) for layer in net["layers"]]}


def margin(net, label, x):
    y = scores(net, x)
    return y[label] - max(v for k, v in enumerate(y) if k != label)


def ssim(x, r):
    count = len(x)
    mx, mr = sum(x) / count, sum(r) / count
    vx, vr = sum(v * v for v in x) / count - mx * mx, sum(v * v for v in r) / count - mr * mr
    covariance = sum(a * b for a, b in zip(x, r)) / count - mx * mr
    return (2 * mx * mr + C1) * (2 * covariance + C2) / ((mx * mx + mr * mr + C1) * (vx + vr + C2))


def inside(measure, channels, limit, x, r):
    """All but the limit, a text, in the arithmetic of x and r."""
    if min(x) < 0 or max(x) > 1:
        return False
    limit = Fraction(limit)
    if measure == "linf":
        return all(abs(a - b) <= limit for a, b in zip(x, r))
    if measure == "l2":
        return sum((a - b) ** 2 for a, b in zip(x, r)) <= limit * limit
    if measure == "ssim":
        return ssim(x, r) >= limit
    size = len(x) // channels
    parts = [ssim(x[c * size : (c + 1) * size], r[c * size : (c + 1) * size]) for c in range(channels)]
    return sum(parts) >= limit * channels
