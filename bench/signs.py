"""The network for traffic signs, and images altered enough that a few hundred photographs suffice to train it."""

import math

import torch
from torch import nn
from torch.nn import functional

SIDE = 32


def network():
    """For training: with batch norm and dropout, which `folded` removes."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 4, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Dropout2d(0.1), nn.Flatten()),
        *(nn.Linear(32 * 8 * 8, 128), nn.BatchNorm1d(128), nn.ReLU()),
        *(nn.Dropout(0.3), nn.Linear(128, 43)),
    )


def plain_network():
    """The same layers without batch norm and dropout."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32 * 8 * 8, 128), nn.ReLU(), nn.Linear(128, 43)),
    )


class Lipschitz:
    """Upper bounds of how fast differences of outputs change: products of the layers' norms (Leino, Wang and
    Fredrikson, ICML 2021), each by a step of power iteration a batch."""

    def __init__(self, network, size):
        self.layers = [layer for layer in network if isinstance(layer, (nn.Conv2d, nn.Linear))]
        self.last = self.layers.pop()
        self.vectors = []
        x = torch.randn(1, *size)
        for layer in network:
            if layer in self.layers:
                self.vectors.append(torch.randn_like(x))
            x = layer(x)

    def norm(self, index, steps=1):
        layer, v = self.layers[index], self.vectors[index]
        with torch.no_grad():
            for _ in range(steps):
                v = self.transposed(layer, self.linear(layer, v), v)
                v = v / v.norm()
            self.vectors[index] = v
        return self.linear(layer, v).norm()

    def linear(self, layer, x):
        if isinstance(layer, nn.Linear):
            return functional.linear(x, layer.weight)
        return functional.conv2d(x, layer.weight, stride=layer.stride, padding=layer.padding)

    def transposed(self, layer, y, like):
        if isinstance(layer, nn.Linear):
            return y @ layer.weight
        return functional.conv_transpose2d(y, layer.weight, stride=layer.stride, padding=layer.padding)

    def of_differences(self, labels):
        """For each label and output, how fast the output less the label's changes: labels x outputs."""
        product = math.prod(self.norm(index) for index in range(len(self.layers)))
        weight = self.last.weight
        return product * (weight[labels][:, None, :] - weight[None, :, :]).square().sum(2).clamp_min(1e-12).sqrt()


def folded(network):
    """The same function in layers with weights, ReLUs and a flattening alone."""
    layers = []
    for layer in network.eval():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = nn.utils.fusion.fuse_conv_bn_eval(layers[-1], layer)
        elif isinstance(layer, nn.BatchNorm1d):
            layers[-1] = nn.utils.fusion.fuse_linear_bn_eval(layers[-1], layer)
        elif not isinstance(layer, (nn.Dropout, nn.Dropout2d)):
            layers.append(layer)
    return nn.Sequential(*layers).eval()


def between(low, high, count, *shape):
    return low + (high - low) * torch.rand(count, *shape)


def altered(x):
    return in_other_light(blurred(bent(x)))


def bent(x):
    """Turned, scaled, stretched, sheared, shifted, and waved a little."""
    count = len(x)
    angle = math.radians(15) * between(-1, 1, count)
    scale, stretch = between(-0.25, 0.2, count).exp(), between(-0.12, 0.12, count).exp()
    shear, right, down = between(-0.2, 0.2, count), between(-0.15, 0.15, count), between(-0.15, 0.15, count)
    rows = torch.stack([scale * stretch * angle.cos(), shear - scale * angle.sin(), right], 1)
    columns = torch.stack([scale * angle.sin(), scale / stretch * angle.cos(), down], 1)
    grid = functional.affine_grid(torch.stack([rows, columns], 1), x.shape, align_corners=False)
    waves = functional.interpolate(0.04 * torch.randn(count, 2, 4, 4), size=(SIDE, SIDE), mode="bicubic")
    grid = grid + waves.permute(0, 2, 3, 1)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def blurred(x):
    """Between sharpened and blurred."""
    kernel = torch.tensor([0.25, 0.5, 0.25])
    planes = functional.pad(x.reshape(-1, 1, SIDE, SIDE), (1, 1, 1, 1), mode="replicate")
    smooth = functional.conv2d(planes, torch.outer(kernel, kernel)[None, None]).reshape(x.shape)
    return x + between(-0.7, 1, len(x), 1, 1, 1) * (smooth - x)


def in_other_light(x):
    """Mean and contrast as on any photograph; tinted, with a gradient of light, and noisy."""
    count = len(x)
    mean, spread = x.mean((1, 2, 3), keepdim=True), x.std((1, 2, 3), keepdim=True).clamp_min(0.01)
    near = torch.rand(count, 1, 1, 1) < 0.3
    factors = between(-0.3, 0.3, count, 1, 1, 1).exp(), between(-0.3, 0.3, count, 1, 1, 1).exp()
    any_spread = between(math.log(0.03), math.log(0.35), count, 1, 1, 1).exp()
    new_spread = torch.where(near, spread * factors[0], any_spread)
    new_mean = torch.where(near, mean * factors[1], between(0.05, 0.75, count, 1, 1, 1)).maximum(new_spread)
    x = (x - mean) / spread * new_spread + new_mean
    x = x * between(-0.15, 0.15, count, 3, 1, 1).exp()
    line = torch.linspace(-1, 1, SIDE)
    gradient = between(-0.3, 0.3, count, 1, 1, 1) * line + between(-0.3, 0.3, count, 1, 1, 1) * line[:, None]
    return (x * (1 + gradient) + 0.01 * torch.randn_like(x)).clamp(0, 1)
