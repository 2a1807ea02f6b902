#!/usr/bin/env python3
"""The share of images around which a network is robust:

    sweep.py MODEL SSIM IMAGE CLASS [IMAGE CLASS]...
"""

import sys

import verissim


def main(arguments):
    if len(arguments) < 4 or len(arguments) % 2 == 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    model, ssim, *pairs = arguments
    images, labels = pairs[::2], [int(label) for label in pairs[1::2]]
    try:
        results = verissim.verify(model, images, labels, ssim=ssim, timeout=60)  # for each image
    except ValueError as error:  # InputError is one
        print(error, file=sys.stderr)
        return 3
    for image, result in zip(images, results):
        print(f"{image}: {result.verdict}, margin {result.margin:g}")
    print(f"robust: {sum(result.robust for result in results)} of {len(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
