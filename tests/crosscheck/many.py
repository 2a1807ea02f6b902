#!/usr/bin/env python3
"""Thousands of random small questions: verdicts, counterexamples and certificates against what is known otherwise.

    python3 tests/crosscheck/many.py --count 10000                     # about an hour on two cores
    python3 tests/crosscheck/many.py --count 120 --forgeries 4         # as in the tests

For each question (SSIM of all channels, of each channel, L-infinity and L2 balls; dense networks as state_dicts, some
with a convolution as ONNX; thresholds from 0.4 to 1; many with a smallest margin close to zero; every fourth about all
evaluations by float32):

- 'not robust': the point is looked at in rational arithmetic of Python's own, and must lie inside and be misclassified;
  in float32 by sums in random orders, too.
- 'robust': no member that is met at random may be misclassified, in rational arithmetic either; and what was planted is
  no member. Where verissim-check knows the question, it must accept the certificate, with the same verdict.
- planted counterexamples, a dent in the network so small that nobody meets it by chance, must be found, or the verdict
  must be 'unknown'.
- forged certificates with a right checksum: those about a false claim (weights changed until a member is misclassified,
  a smaller threshold, another class or image, a point that refutes nothing) must be rejected however they are damaged
  besides; those that are damaged but about what was proved may be accepted only if they still say the same.
- SCIP, where pyscipopt is installed (--scip K: every K-th question that its exporter knows), must agree.

The last line counts it all. Fails if anything disagrees.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "bench")]

import forging  # noqa: E402
import model_files  # noqa: E402
import questions  # noqa: E402
import singles  # noqa: E402

EXIT_CODES = {"robust": 20, "not robust": 10}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/verissim")
    parser.add_argument("--checker", default="build/release/bin/verissim-check")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--first", type=int, default=0, help="seed of the first question")
    parser.add_argument("--timeout", type=float, default=5, help="seconds for a verdict")
    parser.add_argument("--members", type=int, default=30, help="looked at where the verdict is 'robust'")
    parser.add_argument("--forgeries", type=int, default=4, help="damaged certificates for each kind of claim")
    parser.add_argument("--scip", type=int, default=0, help="every K-th question goes to SCIP, too; 0: none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


class Disagreement(Exception):
    pass


class Case:
    """One question, from its seed to its tally."""

    def __init__(self, seed, arguments, folder):
        self.seed, self.arguments = seed, arguments
        self.question, self.rng = questions.make(seed)
        self.question.write(folder)
        self.certificate = folder / "proof.certificate"
        self.tally = collections.Counter()

    def fail(self, what):
        own = self.question
        raise Disagreement(f"seed {self.seed} ({own.kind}, {own.measure} {own.limit}): {what}")

    def run(self):
        question = self.question
        answer = self.ask()
        verdict = answer["verdict"]
        self.tally[verdict] += 1
        self.tally[f"{question.kind}: {verdict}"] += 1
        self.tally[f"{question.arithmetic}: {verdict}"] += 1
        if verdict == "not robust":
            self.look_at_counterexample(answer["counterexample"])
        elif verdict == "robust":
            self.look_at_members()
        if question.can_have_certificate() and verdict != "unknown":
            self.check_certificate(verdict)
        if self.arguments.scip and self.seed % self.arguments.scip == 0 and question.is_known_to_scip():
            self.ask_scip(verdict)
        return self.tally

    def ask(self):
        question = self.question
        command = [self.arguments.program, "verify", "--json", "--quiet", "--threads", "1", *question.options()]
        command += ["--timeout", str(self.arguments.timeout)]
        if question.can_have_certificate():
            command += ["--certificate", str(self.certificate)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if not ended.stdout:
            self.fail(ended.stderr.strip())
        return json.loads(ended.stdout)

    def look_at_counterexample(self, x):
        if not self.question.holds(x):
            self.fail("the counterexample lies outside")
        if self.question.margin(x) > 0:
            self.fail("the counterexample is none")
        if self.question.arithmetic == "float32":
            if any(model_files.single(v) != v for v in x):
                self.fail("the counterexample is not of float32")
            if any(singles.margin(self.question.net, self.question.label, x, self.rng) > 0 for _ in range(5)):
                self.fail("the counterexample is none in an evaluation by float32")
        self.tally["counterexamples confirmed"] += 1

    def look_at_members(self):
        question = self.question
        if question.planted is not None:
            self.fail(f"robust, but {question.planted} is misclassified")
        for _ in range(self.arguments.members):
            x = question.member(self.rng)
            if question.plain_margin(x) < 1e-6 and question.holds(x) and question.margin(x) <= 0:
                self.fail(f"robust, but {x} is misclassified")
            x = [model_files.single(v) for v in x]
            if question.arithmetic == "float32" and question.plain_margin(x) < 1e-2:
                if singles.margin(question.net, question.label, x, self.rng) <= 0 and question.holds(x):
                    self.fail(f"robust, but {x} is misclassified in an evaluation by float32")

    def check(self, options=None):
        command = [self.arguments.checker, str(self.certificate), *(options or self.question.options())]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode not in (1, 10, 20) or ended.stderr:
            self.fail(f"the checker ended with {ended.returncode}: {ended.stderr}")
        return ended

    def check_certificate(self, verdict):
        if not self.certificate.exists():
            self.fail("no certificate")
        ended = self.check()
        if ended.returncode != EXIT_CODES[verdict]:
            self.fail(f"the checker says of a certificate for '{verdict}': {ended.stdout}")
        self.tally["certificates accepted"] += 1
        if not self.arguments.forgeries:
            return
        body = forging.unpack(self.certificate.read_bytes())
        own = forging.own_header(self.question)
        if not body.startswith(own):
            self.fail("the certificate's header is not that of the question")
        self.damage(body, len(own), verdict)
        if verdict == "robust":
            self.forge(body[len(own) :])

    def damage(self, body, first, verdict):
        """Of a true claim: what is accepted must say the same."""
        for _ in range(self.arguments.forgeries):
            self.certificate.write_bytes(forging.pack(forging.damaged(self.rng, body, first)))
            code = self.check().returncode
            if code not in (1, EXIT_CODES[verdict]):
                self.fail(f"a damaged certificate for '{verdict}' is accepted for the contrary")
            self.tally["damaged and rejected" if code == 1 else "damaged, still a proof"] += 1

    def forge(self, proof):
        """Of false claims: nothing may be accepted."""
        question = self.question
        for name, claim in (
            ("another class", self.with_another_class),
            ("another image", self.with_another_image),
            ("another threshold", self.with_a_smaller_threshold),
            ("swapped weights", self.with_worse_weights),
            ("a point that refutes nothing", self.with_a_false_point),
        ):
            with contextlib.ExitStack() as undo:
                claimed = claim(undo)
                if claimed is None:
                    continue
                header, options, own_proof = claimed
                body = header + (own_proof or proof)
                for k in range(self.arguments.forgeries):
                    data = body if k == 0 else forging.damaged(self.rng, body, len(header))
                    self.certificate.write_bytes(forging.pack(data))
                    ended = self.check(options)
                    if ended.returncode != 1:
                        self.fail(f"accepted with {name}: {ended.stdout}")
                    self.tally["forgeries rejected"] += 1
                    self.tally[f"forged, {name}"] += 1
        assert question.model.exists()

    def with_another_class(self, _):
        question = self.question
        label = (question.label + 1) % len(question.net["layers"][-1][1])
        options = question.options()
        options[options.index("--class") + 1] = str(label)
        return forging.header(question, question.limit, label, question.reference), options, None

    def with_another_image(self, undo):
        """One that the network gives another class."""
        question = self.question
        for _ in range(20):
            levels = questions.random_levels(self.rng, len(question.levels))
            scores = questions.Question("", question.shape, question.net, levels, question.measure, question.limit)
            if scores.label != question.label:
                undo.callback(question.write, question.folder)
                changed = question.changed("forged", levels=levels)
                changed.write(question.folder)
                return forging.own_header(changed), changed.options(), None
        return None

    def worst_member(self):
        question = self.question
        return min((question.member(self.rng) for _ in range(40)), key=question.plain_margin)

    def with_a_smaller_threshold(self, _):
        """The largest one of a few at which a member is misclassified."""
        question = self.question
        own = question.limit
        try:
            for limit in questions.TAUS:
                if float(limit) >= float(own):
                    continue
                question.limit = limit
                x = self.worst_member()
                if question.plain_margin(x) < 0 and question.holds(x) and question.margin(x) <= 0:
                    return forging.own_header(question), question.options(), None
            return None
        finally:
            question.limit = own

    def with_worse_weights(self, undo):
        """The label's score is lowered until a member is misclassified, and hardly more."""
        question = self.question
        x = self.worst_member()
        if not question.holds(x):
            return None
        layers = [(rows, list(biases)) for rows, biases in question.net["layers"]]
        biases = layers[-1][1]
        below = 1e-6 * (1 + abs(biases[question.label]))
        biases[question.label] = model_files.single(biases[question.label] - question.plain_margin(x) - below)
        changed = question.changed("forged", net={**question.net, "layers": layers})
        if changed.margin(x) > 0:
            return None
        undo.callback(question.write, question.folder)
        changed.write(question.folder)
        return forging.own_header(changed), changed.options(), None

    def with_a_false_point(self, _):
        question = self.question
        x = self.rng.choice([question.reference, question.member(self.rng)])
        return forging.own_header(question), question.options(), forging.refutation(question, x)[
            len(forging.own_header(question)) :
        ]

    def ask_scip(self, verdict):
        import export_scip
        import numpy
        import question as exported

        own = self.question
        asked = exported.Question(own.model, own.shape, numpy.array(own.reference), own.label, own.limit)
        told, reason = export_scip.solved(export_scip.program(asked), 20)
        self.tally[f"SCIP: {told}"] += 1
        if "unknown" not in (told, verdict) and told != verdict:
            self.contradicted_by_scip(verdict, told, reason)

    def contradicted_by_scip(self, verdict, told, reason):
        """SCIP decides within tolerances, which may matter where a margin is nearly zero."""
        answer = self.ask()
        bound = answer["margin_bound"] if verdict == "robust" else answer["margin"]
        if abs(bound) < 1e-5:
            self.tally["SCIP: another verdict within its tolerance"] += 1
        else:
            self.fail(f"{verdict} with margin {bound}, but SCIP says {told}: {reason}")


def work(seed, arguments):
    with tempfile.TemporaryDirectory() as folder:
        try:
            return Case(seed, arguments, pathlib.Path(folder)).run(), None
        except Disagreement as error:
            return collections.Counter({"disagreements": 1}), str(error)


def have_scip():
    """In this Python, or in the one that VERISSIM_PYTHON names, which then goes on from the start."""
    try:
        import numpy  # noqa: F401
        import pyscipopt  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        python = os.environ.get("VERISSIM_PYTHON")
        if python and "VERISSIM_PYTHON_TRIED" not in os.environ:
            os.environ["VERISSIM_PYTHON_TRIED"] = "1"
            os.execv(python, [python, "-B", *sys.argv])
        print(f"NOT COMPARED WITH SCIP: {error}", flush=True)
        return False
    return True


def main():
    arguments = parse()
    if arguments.scip and not have_scip():
        arguments.scip = 0
    total = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        seeds = range(arguments.first, arguments.first + arguments.count)
        waiting = [pool.submit(work, seed, arguments) for seed in seeds]
        for done, future in enumerate(concurrent.futures.as_completed(waiting), 1):
            tally, error = future.result()
            total.update(tally)
            if error:
                print(f"DISAGREEMENT: {error}", flush=True)
            if done % 500 == 0:
                print(f"{done} of {arguments.count}", flush=True)
    for name, number in sorted(total.items()):
        print(f"{name}: {number}")
    sys.exit(1 if total["disagreements"] else 0)


if __name__ == "__main__":
    main()
