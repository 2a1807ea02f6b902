#!/usr/bin/env python3
"""Asks whether a network is robust around an image:

    verify.py MODEL IMAGE CLASS SSIM
"""

import sys

import verissim


def main(arguments):
    if len(arguments) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    model, image, label, ssim = arguments
    try:
        result = verissim.verify(model, image, int(label), ssim=ssim)
    except ValueError as error:  # InputError is one
        print(error, file=sys.stderr)
        return 3
    count = result.statistics.subproblems
    print(f"{result.verdict} ({result.reason}), margin bound {result.margin:g}, {count} subproblems")
    if result.counterexample:
        print(f"counterexample: SSIM {result.counterexample.ssim:.6f}, class {result.counterexample.rival}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
