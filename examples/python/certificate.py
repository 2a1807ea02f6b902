#!/usr/bin/env python3
"""Writes down the proof of a verdict, and leaves the last word to the independent checker:

    certificate.py MODEL IMAGE CLASS SSIM FILE
"""

import sys

import verissim


def main(arguments):
    if len(arguments) != 5:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    model, image, label, ssim, file = arguments
    try:
        result = verissim.verify(model, image, int(label), ssim=ssim, certificate=file)
        print(f"{result.verdict} ({result.reason})")
        if result.certificate is None:
            print(f"no certificate: {result.no_certificate}")
            return 0
        check = verissim.check(result.certificate, model, image, int(label), ssim)
    except ValueError as error:  # InputError is one
        print(error, file=sys.stderr)
        return 3
    print(check.message)
    return {"robust": 20, "not robust": 10, "rejected": 1}[check.verdict]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
