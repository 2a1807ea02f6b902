"""Networks of the kinds that people export, for onnx_files.py and pytorch_files.py."""

from typing import Tuple

import torch
from torch import nn


class Viewed(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how = how
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.linear = nn.Linear(64, 5)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        return self.linear(self.how(x))


class Normalised(nn.Module):
    def __init__(self, deviation):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1))
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))

    def forward(self, x):
        return self.net((x - self.mean) / self.deviation)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU(),
                                  nn.Conv2d(outputs, outputs, 3, 1, 1, groups=2))
        self.side = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.main(x) + self.side(x))


class Joined(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 4, 3, padding=1)
        self.right = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.LeakyReLU(0.1))
        self.linear = nn.Linear(6 * 16, 5)

    def forward(self, x):
        x = torch.cat([torch.relu(self.left(x)), self.right(x)], 1)
        x = nn.functional.max_pool2d(nn.functional.pad(x, (0, 1, 1, 0)), 2)
        x = x[:, :, :4, :4] - x.mean((2, 3), keepdim=True)
        return self.linear(x.flatten(1).clamp(-1.0, 2.0))


class Shapes(nn.Module):
    """Arithmetic of shapes and of constants, and layers in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1, 0.2]))
        self.conv = nn.Conv2d(2, 4, 2)
        self.act = nn.ReLU(inplace=True)
        self.linear = nn.Linear(36, 6)
        self.matrix = nn.Parameter(torch.randn(6, 3))
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        x = (x - self.mean[None, :, None, None]) / (self.mean * 2.0 + 0.3).view(-1, 1, 1)
        x = self.act(self.conv(2.0 - x))
        a, b = torch.chunk(x.permute(0, 2, 3, 1), 2, dim=3)
        x = torch.cat([a - b, b.clamp(min=0.1), -a.abs()], dim=-1)[:, 1:, ::2].transpose(1, 3).contiguous()
        x = self.drop(x).reshape(x.size(0), x.size(1) * x.shape[2], -1)
        x = torch.flatten(x[:, :, :6], 1) * 0.5
        x = nn.functional.leaky_relu(self.linear(x[:, :36]), 0.2, inplace=True)
        return torch.maximum(x, 0.3 * x.relu() + 0.1) @ self.matrix + 1.0


class Overwritten(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        y = self.linear(x)
        z = y.view(3)
        y.add_(1.0)
        return torch.relu(z)


class Looped(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, count: int = 3):
        for _ in range(count):
            x = self.linear(x)
        return x


class Conditional(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        y = self.linear(x)
        if bool(y.sum() > 0):
            y = torch.relu(y)
        return y


class ShortMean(nn.Module):
    def forward(self, x):
        return x.mean(1, dtype=torch.bfloat16)


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def negate(self, given: Tuple[torch.Tensor], result: torch.Tensor) -> torch.Tensor:
    return -result


def double(self, given: Tuple[torch.Tensor]) -> Tuple[torch.Tensor]:
    return (given[0] * 2.0,)


def randomised(module):
    """Statistics of normalisations as after training."""
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.1, 2.0)
            for values in part.parameters():
                nn.init.normal_(values)
    return module


def norm_block(inputs, outputs, stride):
    block = Block(inputs, outputs, stride)
    block.main = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
                               nn.ReLU(), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
                               nn.BatchNorm2d(outputs))
    if stride > 1:
        block.side = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return block


def resnet():
    return nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), norm_block(4, 4, 1),
                         norm_block(4, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
                         nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(54, 20), nn.ReLU(), nn.Linear(20, 10))


def mlp(*sizes):
    layers = [nn.Flatten()]
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def networks():
    """name: (module, shape of an image)"""
    return {
        "mlp": (mlp(25, 12, 12, 4), [1, 5, 5]),
        "conv": (nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 4, 3, dilation=2, groups=2),
                               nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(24, 5)), [3, 12, 14]),
        "residual": (nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU(), Block(4, 4, 1), Block(4, 6, 2),
                                   nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)), [3, 8, 8]),
        "view": (Viewed(lambda x: x.view(x.size(0), -1)), [3, 8, 8]),
        "reshape": (Viewed(lambda x: x.reshape(-1, 64)), [3, 8, 8]),
        "channels_last": (Viewed(lambda x: x.permute(0, 2, 3, 1).flatten(1)), [3, 8, 8]),
        "normalised": (Normalised([0.25, 0.5, 2.0]), [3, 8, 8]),
        "deviation": (Normalised([0.3, 0.5, 2.0]), [3, 8, 8]),
        "resnet": (randomised(resnet()), [3, 8, 8]),
        "lenet": (lenet(), [1, 14, 14]),
        "joined": (randomised(Joined()), [3, 8, 8]),
        "pools": (nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(3, 4, 2), nn.PReLU(4), nn.ReLU6(),
                                nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Hardtanh(), nn.Flatten(),
                                nn.Linear(36, 8), randomised(nn.BatchNorm1d(8)), nn.ReLU(),
                                nn.Linear(8, 3)), [3, 8, 8]),
    }
