#!/usr/bin/env python3
"""Repairs a network and follows it in Weights & Biases (pip install wandb) through verissim's callback:

    wandb_callbacks.py SSIM

With WANDB_MODE=offline everything stays in the folder wandb.
"""

import sys

import fashion
import wandb

import verissim


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    train, test = fashion.loaders()
    network = fashion.trained(train)
    image, label = fashion.reference(network)
    with wandb.init(project="verissim", config={"ssim": arguments[0], "label": label}) as run:

        def follow(news):
            """Called after each verification, and again after the repair that followed it, whose figures then count."""
            result = news.results[0]
            figures = {
                "round": news.number,
                "margin": result.margin,
                "accuracy": news.accuracy,
                "subproblems": result.statistics.subproblems,
                "counterexamples": news.points,
                "epochs": news.epochs,
            }
            if result.counterexample is not None:
                figures["counterexample"] = wandb.Image(result.counterexample.pixels())
            run.log(figures)

        repaired = verissim.repair(network, [(image, label, arguments[0])], train, test, progress=follow)
        run.summary.update({"verdict": repaired.status, "accuracy_after": repaired.accuracy_after})
    print(f"{repaired.status} after {len(repaired.rounds)} verifications, in {run.dir}")
    return 0 if repaired.robust else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
