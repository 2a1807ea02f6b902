#!/usr/bin/env python3
"""Looks for an image that is as similar as demanded and gets another class:

    attack.py MODEL IMAGE CLASS SSIM
"""

import sys

import verissim


def main(arguments):
    if len(arguments) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    model, image, label, ssim = arguments
    try:
        found = verissim.attack(model, image, int(label), ssim=ssim)
    except ValueError as error:  # InputError is one
        print(error, file=sys.stderr)
        return 3
    if not found:
        print("none was found, which proves nothing")
    else:
        print(f"SSIM {found[0].ssim:.6f}, class {found[0].rival}, margin {found[0].margin:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
