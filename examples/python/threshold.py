#!/usr/bin/env python3
"""Encloses the SSIM down to which a network is robust around an image:

    threshold.py MODEL IMAGE CLASS GAP
"""

import sys

import verissim


def main(arguments):
    if len(arguments) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    model, image, label, gap = arguments
    try:
        found = verissim.threshold(model, image, int(label), gap=float(gap))
    except ValueError as error:  # InputError is one
        print(error, file=sys.stderr)
        return 3
    proved, refuted = found.proved_at or "(nothing proved)", found.refuted_at or "(nothing refuted)"
    print(f"robust from SSIM {proved} on, not at {refuted} ({found.reason})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
