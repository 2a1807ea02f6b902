"""Repeats the optimiser steps of a JSON file in PyTorch and writes the weights and losses they lead to."""

import json
import sys

import torch


def main(source, target):
    case = json.load(open(source))
    sizes = case["sizes"]
    layers = []
    for index, (size_in, size_out) in enumerate(zip(sizes, sizes[1:])):
        layers += ([torch.nn.ReLU()] if index else []) + [torch.nn.Linear(size_in, size_out)]
    model = torch.nn.Sequential(*layers)
    torch.nn.utils.vector_to_parameters(torch.tensor(case["initial"]), model.parameters())
    images = torch.tensor(case["images"]).view(-1, sizes[0])
    labels = torch.tensor(case["labels"])
    pool = torch.tensor(case["pool_images"]).view(-1, sizes[0])
    pool_labels = torch.tensor(case["pool_labels"])
    weights = torch.tensor(case["pool_weights"])
    rate = case["learning_rate"]
    if case["optimiser"] == "adam":
        optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    else:
        optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=case["momentum"])
    losses = []
    for batch in case["batches"]:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
        penalty = torch.zeros(())
        for scores, label, weight, margin in zip(model(pool), pool_labels, weights, case["margins"]):
            if case["cross_entropy"]:
                penalty = penalty - weight * torch.log_softmax(scores, 0)[label]
                continue
            rivals = torch.cat([scores[:label], scores[label + 1:]])
            penalty = penalty + weight * torch.relu(margin - (scores[label] - rivals.max()))
        (loss + penalty).backward()
        optimiser.step()
        losses.append([loss.item(), penalty.item()])
    result = torch.nn.utils.parameters_to_vector(model.parameters()).tolist()
    json.dump({"weights": result, "losses": losses}, open(target, "w"))


main(sys.argv[1], sys.argv[2])
