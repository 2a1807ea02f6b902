#!/usr/bin/env python3
"""Repairs a network and follows it in MLflow (pip install mlflow) through verissim's callback:

    mlflow_callbacks.py SSIM

What is tracked goes where MLFLOW_TRACKING_URI says.
"""

import sys

import fashion
import mlflow

import verissim


def follow(news):
    """Called after each verification, and again after the repair that followed it, whose figures then count."""
    result = news.results[0]
    figures = {
        "margin": result.margin,
        "accuracy": news.accuracy,
        "subproblems": result.statistics.subproblems,
        "counterexamples": news.points,
        "epochs": news.epochs,
    }
    mlflow.log_metrics(figures, step=news.number)
    if result.counterexample is not None:
        mlflow.log_image(result.counterexample.pixels(), f"counterexamples/{news.number}.png")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    train, test = fashion.loaders()
    network = fashion.trained(train)
    image, label = fashion.reference(network)
    with mlflow.start_run() as run:
        mlflow.log_params({"ssim": arguments[0], "label": label})
        repaired = verissim.repair(network, [(image, label, arguments[0])], train, test, progress=follow)
        mlflow.log_metric("accuracy_after", repaired.accuracy_after)
        mlflow.set_tag("verdict", repaired.status)
    print(f"{repaired.status} after {len(repaired.rounds)} verifications, run {run.info.run_id}")
    return 0 if repaired.robust else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
