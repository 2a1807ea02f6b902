// What the checker says about evaluations by float32.
#include "check.h"
#include "checker/problem.h"
#include "support/float_program.h"

namespace verissim::testing {
namespace {

using check::Interval;

// What a program computes that goes through the checker's network node by node.
std::vector<float> evaluated(FloatProgram& program, const check::Network& net, const std::vector<float>& x) {
  std::vector<std::vector<float>> values = {x};
  for (size_t i = 1; i < net.nodes.size(); ++i) {
    const check::Node& node = net.nodes[i];
    std::vector<float> y;
    for (size_t j = 0; j < node.size; ++j) {
      std::vector<FloatProgram::Term> terms;
      node.each_product(j, [&](double w, size_t from, size_t k) {
        terms.push_back({static_cast<float>(w), values[from][k]});
      });
      y.push_back(node.terms.empty() ? std::max(0.0F, values[node.from][j])
                                     : program.sum(std::move(terms), static_cast<float>(node.bias[j])));
    }
    values.push_back(std::move(y));
  }
  return values.back();
}

check::Intervals enclosures(const check::Network& net, const std::vector<float>& x) {
  check::Facts facts(net.neurons());
  return check::propagate(net, {x.begin(), x.end()}, facts).back();
}

void expect_within(const check::Intervals& intervals, const std::vector<float>& values) {
  ASSERT_EQ(intervals.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (intervals[i].hi - intervals[i].lo == HUGE_VAL) continue;  // it may overflow
    ASSERT_LE(intervals[i].lo, static_cast<double>(values[i]));
    ASSERT_GE(intervals[i].hi, static_cast<double>(values[i]));
  }
}

std::vector<float> random_values(Rng& rng, size_t count) {
  std::vector<float> x(count);
  for (float& value : x) value = static_cast<float>(rng.uniform());
  return x;
}

// Some so large that they swallow the others, some so small that products vanish, some that do not round.
check::Numbers random_weights(Rng& rng, size_t count) {
  const double most = std::pow(2.0, rng.uniform(0.0, 30.0));
  const bool wide = rng.below(3) == 0;  // as a file of float64 holds them
  check::Numbers weights(count);
  for (double& w : weights) {
    w = rng.normal() * (rng.below(4) == 0 ? most : 1.0) * (rng.below(16) == 0 ? 0x1p-130 : 1.0);
    if (rng.below(6) == 0) w = static_cast<double>(rng.below(3)) - 1.0;
    if (!wide) w = static_cast<float>(w);
  }
  return weights;
}

check::Window window(int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
  const int64_t out = (size + 2 * pad - kernel) / stride + 1;
  const check::Window::Axis axis = {kernel, stride, 1, pad, pad, size, out};
  return {{axis, axis}};
}

check::Network random_network(Rng& rng) {
  check::Network net("random", size_t{1} << 20, true);
  check::Signal x = net.input({2, 4, 4});
  for (uint64_t k = 1 + rng.below(5); k > 0; --k) {
    const auto channels = static_cast<size_t>(x.shape[0]);
    const auto kernel = 1 + static_cast<int64_t>(rng.below(3));
    const check::Window w = window(x.shape[1], kernel, 1, kernel / 2);
    const auto size = static_cast<size_t>(check::size_of(x.shape));
    switch (rng.below(6)) {
      case 0:
        x = net.convolve(x, w, 1, random_weights(rng, 3 * channels * static_cast<size_t>(w.taps())),
                         random_weights(rng, 3 * static_cast<size_t>(w.count())));
        break;
      case 1:
        x = net.diagonal(x, random_weights(rng, size), random_weights(rng, size));
        break;
      case 2:
        x = net.add(net.relu(x), x, rng.below(2) == 0 ? 1.0 : -1.0);
        break;
      case 3:
        x = net.average(x, w, rng.below(2) == 0);
        break;
      case 4:
        if (x.shape[1] >= 2) x = net.maximum(x, window(x.shape[1], 2, 1, 0));
        break;
      default:
        x = net.relu(x);
    }
  }
  const auto size = static_cast<size_t>(check::size_of(x.shape));
  x.shape = {static_cast<int64_t>(size)};
  net.dense(x, random_weights(rng, 3 * size), random_weights(rng, 3));
  return net;
}

TEST(CheckerFloat32, EnclosesEveryOrder) {
  int finite = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    const check::Network net = random_network(rng);
    const std::vector<float> x = random_values(rng, net.inputs());
    const check::Intervals intervals = enclosures(net, x);
    finite += intervals.front().hi < HUGE_VAL ? 1 : 0;
    for (int k = 0; k < 20; ++k) {
      FloatProgram program(rng);
      ASSERT_NO_FATAL_FAILURE(expect_within(intervals, evaluated(program, net, x))) << "seed " << seed;
    }
  }
  EXPECT_GE(finite, 200);
}

// A mean may be taken of the parts as well, where large values cancel each other, or small ones are set to
// zero.
TEST(CheckerFloat32, MeansMayBeSumsOfParts) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    const bool tiny = seed % 2 == 0;
    const int64_t size = 2 + static_cast<int64_t>(rng.below(tiny ? 24 : 5));
    check::Network net("mean", 10000, true);
    check::Signal x = net.input({1, size, size});
    check::Numbers biases(static_cast<size_t>(size * size));
    for (double& b : biases) {
      const double sign = tiny || rng.below(2) == 0 ? 1.0 : -1.0;
      b = static_cast<float>(sign * std::pow(2.0, (tiny ? -118.0 : 10.0) + rng.uniform()));
    }
    x = net.diagonal(x, check::Numbers(biases.size(), 0.0), biases);
    net.average(x, window(size, size, 1, 0), true);
    const std::vector<float> image = random_values(rng, biases.size());
    const check::Intervals intervals = enclosures(net, image);
    const auto share = static_cast<float>(1.0 / static_cast<double>(size * size));
    for (int k = 0; k < 20; ++k) {
      FloatProgram program(rng);
      std::vector<FloatProgram::Term> parts;
      for (const double b : biases) parts.push_back({share, static_cast<float>(b)});
      ASSERT_NO_FATAL_FAILURE(expect_within(intervals, {program.sum(parts, 0.0F)})) << "seed " << seed;
    }
  }
}

// The worst order is known, and the bound is not far above what it loses.
TEST(CheckerFloat32, BoundsAreReachedUpToASmallFactor) {
  check::Network net("sum", 1000, true);
  const check::Signal x = net.input({101});
  check::Numbers weights(101, 1.0);
  weights[0] = 0x1p25;
  net.dense(x, weights, {0.0});
  const Interval sum = enclosures(net, std::vector<float>(101, 1.0F)).front();  // 0x1p25F + 1.0F == 0x1p25F
  EXPECT_LE(sum.lo, 0x1p25);
  EXPECT_GE(sum.lo, 0x1p25 - 150.0);
  EXPECT_LE(sum.hi, 0x1p25 + 350.0);
}

// 0 times infinity, which float32 makes of these weights.
TEST(CheckerFloat32, HugeWeightsAreRejectedThoughTheyMeetNoValue) {
  for (const double weight : {1e37, 1e39}) {
    check::Network net("padded", 1000, true);
    const check::Signal x = net.input({1, 1, 2});
    check::Window w = window(2, 3, 1, 1);
    w.axes[0] = {3, 1, 1, 1, 1, 1, 1};
    const check::Numbers kernel = {weight, 0, 0, 0, 1, 0, 0, 0, 0};  // its first row lies in the padding
    if (weight > 1e38)
      EXPECT_THROW(net.convolve(x, w, 1, kernel, {0, 0}), check::Rejected);
    else
      EXPECT_NO_THROW(net.convolve(x, w, 1, kernel, {0, 0}));
  }
}

TEST(CheckerFloat32, SaysNothingWhereFloat32Overflows) {
  for (const double weight : {0x1p100, 0x1p110}) {
    check::Network net("large", 1000, true);
    const check::Signal x = net.dense(net.input({2}), {weight, 0.0}, {0.0});
    net.dense(x, {0x1p20}, {0.0});
    EXPECT_EQ(enclosures(net, {1.0F, 1.0F}).front().hi < HUGE_VAL, weight == 0x1p100);
  }
}

TEST(CheckerFloat32, AcceptsSmallProblems) {
  static const std::vector<std::string> thresholds{"1", "0.999", "0.99", "0.98", "0.95", "0.9", "0.8"};
  Tally tally;
  Rng rng(91);
  for (int k = 0; k < 150; ++k) {
    const auto width = static_cast<int64_t>(2 + rng.below(7));
    FiledQuestion q = filed(rng, 1, width, {5, 4}, pick(rng, thresholds));
    q.ask_in_float32();
    expect_accepted(q, tally);
  }
  EXPECT_GE(tally.robust, 50);
  EXPECT_GE(tally.refuted, 8);
}

// By the number of coupled layers: how many were proved, and how many of them by splits.
struct Coupled {
  int proved[3] = {};
  int split[3] = {};

  // Whether it is robust.
  bool expect_accepted(const FiledQuestion& q) {
    certificate::Writer writer(q.certificate(), q.subject());
    RootLooker looker(writer);
    const Certified certified = certify(q, writer, looker, 2);
    if (certified.result.verdict != search::Verdict::kRobust) return false;
    EXPECT_FALSE(certified.why_not.has_value()) << certified.why_not.value_or("");
    const Ended ended = check(q);
    EXPECT_EQ(ended.code, 20) << ended.out;
    ++proved[looker.coupled];
    split[looker.coupled] += certified.result.statistics.nodes > q.question.classes() ? 1 : 0;
    return true;
  }
};

// Each network with smaller and smaller thresholds, until nothing is proved any more.
TEST(CheckerFloat32, AcceptsBowlsSplitsAndFrames) {
  Coupled seen;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    for (int percent = 98; percent > 80; --percent) {
      Rng rng(seed);
      FiledQuestion q = filed(rng, 6, 6, {24, 16}, "0." + std::to_string(percent), 1.1);
      q.ask_in_float32();
      if (!seen.expect_accepted(q)) break;
    }
  }
  EXPECT_GE(seen.proved[1], 3);
  EXPECT_GE(seen.split[0], 15);
}

TEST(CheckerFloat32, AcceptsConvolutions) {
  Coupled seen;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    for (const char* threshold :
         {"0.9995", "0.999", "0.998", "0.997", "0.996", "0.994", "0.992", "0.99", "0.985", "0.98"}) {
      Rng rng(seed);
      const std::string pool = seed % 3 == 0 ? "MaxPool" : "AveragePool";
      if (!seen.expect_accepted(filed_onnx(rng, 5, 3, seed % 2 == 0, threshold, pool, true))) break;
    }
  }
  EXPECT_GE(seen.proved[2], 5);
  EXPECT_GE(seen.split[2], 2);
}

TEST(CheckerFloat32, WhatItDoesNotKnowIsRefusedByName) {
  Rng rng(94);
  FiledQuestion q = filed_onnx(rng, 4, 2, false, "0.99999");
  ASSERT_FALSE(certify(q).why_not.has_value());
  EXPECT_NE(check(q).code, 1);
  q.ask_in_float32();
  const Ended ended = check(q);
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("Div that gives 'scaled': not known here in float32"), std::string::npos)
      << ended.out;
}

// y_0 = x_0 + x_1 + c - c, and y_1 is less: a proof in exact arithmetic, but programs may get y_0 = 0.
TEST(CheckerFloat32, AProofOfExactArithmeticIsNone) {
  for (const double large : {0x1p15, 0x1p25, 0x1p30}) {
    FiledQuestion q;
    q.shape = {1, 1, 2};
    q.threshold = "0.99";
    network::Network net = network::make_mlp(q.shape, {4}, 2);
    std::get<network::Dense>(net.nodes[1].op) = {2, 4, {1, 0, 0, 1, 0, 0, 0, 0}, {0, 0, large, large}};
    std::get<network::Dense>(net.nodes[3].op) = {4, 2, {1, 1, 1, -1, 0, 0, 0, 0}, {0, 0.25}};
    save(q.model(), net);
    net = network::load_model(q.model(), q.shape).network;
    q.question = question(net, {0.6F, 0.4F}, q.threshold);
    q.label = 0;
    image::write_png(q.image(), {q.shape, {0.6F, 0.4F}});
    // The same argument with both headers; programs may lose some `large` times 2^-22.
    for (const bool float32 : {false, true}) {
      certificate::Subject subject = q.subject();
      if (float32) subject.measure = "ssim in float32";
      certificate::Writer writer(q.certificate(), subject);
      ASSERT_FALSE(certify(q, writer, writer).why_not.has_value());
      if (float32) q.ask_in_float32();
      EXPECT_EQ(check(q).code, float32 && large > 0x1p15 ? 1 : 20) << large;
    }
  }
}

// Points that some programs classify right, and points that no program can read.
TEST(CheckerFloat32, PointsThatAreNone) {
  FiledQuestion q;
  q.shape = {1, 1, 2};
  q.threshold = "0.9";
  const auto said = [&](double lead, double moved) {
    network::Network net = network::make_mlp(q.shape, {}, 2);
    std::get<network::Dense>(net.nodes[1].op) = {2, 2, {1, 1, 0, 0}, {0, 1.0 + lead}};
    save(q.model(), net);
    q.question = question(network::load_model(q.model(), q.shape).network, {0.6F, 0.4F}, q.threshold);
    q.ask_in_float32();
    q.label = 0;
    image::write_png(q.image(), {q.shape, {0.6F, 0.4F}});
    search::Result refuted;
    refuted.verdict = search::Verdict::kNotRobust;
    refuted.counterexamples.push_back({});
    refuted.counterexamples.front().values = {static_cast<double>(0.6F) + moved, static_cast<double>(0.4F)};
    certificate::Writer writer(q.certificate(), q.subject());
    EXPECT_FALSE(writer.finish(refuted).has_value());
    return check(q).code;
  };
  EXPECT_EQ(said(0x1p-20, 0.0), 10);
  EXPECT_EQ(said(0x1p-23, 0.0), 1) << "programs may be off by more";
  EXPECT_EQ(said(0x1p-20, 0x1p-40), 1) << "not of float32";
}

}  // namespace
}  // namespace verissim::testing
