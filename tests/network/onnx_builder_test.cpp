// Exact arithmetic, the builder of graphs, and the reader of protocol buffers.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/dyadic.h"
#include "base/error.h"
#include "network/evaluate.h"
#include "network/exact.h"
#include "network/graph_builder.h"
#include "network/protobuf.h"

namespace verissim::network {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

bool equal(const Dyadic& a, const Dyadic& b) { return (a - b).sign() == 0; }

TEST(Exact, ByHand) {
  EXPECT_EQ(exact_sum(1.0, 0x1p-52), 1.0 + 0x1p-52);
  EXPECT_EQ(exact_sum(1.0, 0x1p-54), std::nullopt);
  EXPECT_EQ(exact_sum(1e308, 1e308), std::nullopt);
  EXPECT_EQ(exact_product(0.1F, 0.3F), static_cast<double>(0.1F) * static_cast<double>(0.3F));
  EXPECT_EQ(exact_product(0.1, 0.3), std::nullopt);
  EXPECT_EQ(exact_product(0x1p-600, 0x1p-600), std::nullopt);
  EXPECT_EQ(exact_product(0.0, 0.3), 0.0);
  EXPECT_EQ(exact_reciprocal(-0.25), -4.0);
  EXPECT_EQ(exact_reciprocal(3.0), std::nullopt);
  EXPECT_EQ(exact_reciprocal(0.0), std::nullopt);
  EXPECT_EQ(exact_reciprocal(0x1p-1074), std::nullopt);
}

// What is given is exact, and what is withheld is not.
RC_GTEST_PROP(Exact, AgreesWithExactArithmetic, (int a, int b, short shift)) {
  const double x = std::ldexp(a, shift % 80);
  const double y = static_cast<double>(b) / 3.0;
  const Dyadic sum = Dyadic(x) + Dyadic(y);
  const Dyadic product = Dyadic(x) * Dyadic(y);
  RC_ASSERT(exact_sum(x, y).has_value() == equal(sum, Dyadic(x + y)));
  RC_ASSERT(exact_product(x, y).has_value() == equal(product, Dyadic(x * y)));
}

Signal input_signal(int64_t size) { return {0, {1, size}, nullptr, false}; }

TEST(GraphBuilder, FoldsWhatIsExact) {
  GraphBuilder graph({1, 1, 2});
  Signal x = graph.dense("fc", input_signal(2), {1, 2, 3, 4}, {1, 2});
  x = graph.shifted("bias", graph.scaled("scale", x, {0.5, 3.0}), {1.0});
  const Network network = graph.finish(x);
  ASSERT_EQ(network.nodes.size(), 2U);
  EXPECT_EQ(std::get<Dense>(network.nodes[1].op).weight, (std::vector<double>{0.5, 1, 9, 12}));
  EXPECT_EQ(std::get<Dense>(network.nodes[1].op).bias, (std::vector<double>{1, 1}));
}

TEST(GraphBuilder, DoesNotFoldWhatRounds) {
  GraphBuilder graph({1, 1, 1});
  Signal x = graph.dense("fc", input_signal(1), {0.1}, {1, 1});
  x = graph.shifted("bias", graph.scaled("scale", x, {0.3}), {0.7});
  const Network network = graph.finish(x);
  ASSERT_EQ(network.nodes.size(), 3U) << "the scale and the bias are one layer";
  const std::vector<double> at{0.9};
  const Dyadic wanted = Dyadic(0.9) * Dyadic(0.1) * Dyadic(0.3) + Dyadic(0.7);
  EXPECT_TRUE(equal(evaluate_exactly(network, at)[0], wanted));
}

TEST(GraphBuilder, DoesNotFoldIntoWhatOthersRead) {
  GraphBuilder graph({1, 1, 1});
  Signal x = graph.dense("fc", input_signal(1), {2}, {1, 1});
  x.exclusive = false;
  const Signal y = graph.scaled("scale", x, {3.0});
  const Network network = graph.finish(graph.add("sum", x, y));
  const std::vector<double> at{1.0};
  EXPECT_EQ(evaluate(network, at), (std::vector<double>{8.0}));
}

Network normalised(const Runs& factors, const Runs& offsets, const Dense& dense) {
  GraphBuilder graph({1, 1, dense.in});
  Signal x = graph.shifted("mean", graph.scaled("scale", input_signal(dense.in), factors), offsets);
  return graph.finish(graph.dense("fc", x, dense.weight, {1, dense.out}));
}

TEST(GraphBuilder, FoldsNormalisationIntoTheLayerBehind) {
  const Network network = normalised({0.5, 4.0}, {-0.25}, {2, 2, {1, 2, 3, 4}, {}});
  ASSERT_EQ(network.nodes.size(), 2U);
  EXPECT_EQ(network.nodes[1].name, "fc");
  EXPECT_EQ(std::get<Dense>(network.nodes[1].op).weight, (std::vector<double>{0.5, 8, 1.5, 16}));
  EXPECT_EQ(std::get<Dense>(network.nodes[1].op).bias, (std::vector<double>{-0.75, -1.75}));
  EXPECT_EQ(normalised({0.1, 0.3}, {0.7}, {2, 1, {0.1, 0.3}, {}}).nodes.size(), 3U) << "that would round";
}

// A layer that two read stays; of two in a row the first goes into the second.
TEST(GraphBuilder, FoldsNormalisationOnlyForItsOneReader) {
  GraphBuilder graph({1, 1, 1});
  Signal x = graph.scaled("scale", input_signal(1), {2.0});
  x.exclusive = false;
  const Signal y = graph.scaled("again", x, {4.0});
  const Network network = graph.finish(graph.add("sum", graph.dense("fc", x, {3}, {1, 1}), y));
  EXPECT_EQ(network.nodes.size(), 5U);
  EXPECT_EQ(evaluate(network, std::vector<double>{1.0}), (std::vector<double>{14.0}));
  GraphBuilder other({1, 1, 1});
  Signal z = other.scaled("scale", input_signal(1), {2.0});
  z.exclusive = false;
  const Network chain = other.finish(other.dense("fc", other.scaled("again", z, {4.0}), {3}, {1, 1}));
  ASSERT_EQ(chain.nodes.size(), 2U);
  EXPECT_EQ(std::get<Dense>(chain.nodes[1].op).weight, (std::vector<double>{24}));
}

// Folded or not, nothing has been rounded.
RC_GTEST_PROP(GraphBuilder, NormalisationIsExact, (float s, float t, float u, float v, float x, float y)) {
  const Network network = normalised({s}, {t, u}, {2, 2, {v, s, t, u}, {}});
  const std::vector<double> at{x, y};
  const std::vector<Dyadic> got = evaluate_exactly(network, at);
  const Dyadic a = Dyadic(x) * Dyadic(s) + Dyadic(t);
  const Dyadic b = Dyadic(y) * Dyadic(s) + Dyadic(u);
  RC_ASSERT(equal(got[0], Dyadic(v) * a + Dyadic(s) * b));
  RC_ASSERT(equal(got[1], Dyadic(t) * a + Dyadic(u) * b));
}

Network normalised_image(const Runs& factors, const Runs& offsets, int64_t pad) {
  GraphBuilder graph({2, 3, 3});
  const Signal input{0, {1, 2, 3, 3}, nullptr, false};
  const Signal x = graph.shifted("mean", graph.scaled("scale", input, factors), offsets);
  Conv2d conv;
  conv.in = {2, 3, 3};
  conv.out = {2, 2 + 2 * pad, 2 + 2 * pad};
  conv.kernel_h = conv.kernel_w = 2;
  conv.pad_h = conv.pad_w = pad;
  conv.groups = 2;
  conv.weight = {1, 2, 3, 4, 5, 6, 7, 8};
  conv.bias = {0, 0};
  return graph.finish(graph.conv2d("conv", x, conv, {1, 2, conv.out.height, conv.out.width}));
}

TEST(GraphBuilder, FoldsChannelsIntoConvolutions) {
  const Network network = normalised_image({2.0, 3.0}, {1.0, -1.0}, 0);
  ASSERT_EQ(network.nodes.size(), 2U);
  const auto& conv = std::get<Conv2d>(network.nodes[1].op);
  EXPECT_EQ(conv.weight, (std::vector<double>{2, 4, 6, 8, 15, 18, 21, 24}));
  EXPECT_EQ(conv.bias, (std::vector<double>{10, -26}));
  EXPECT_EQ(normalised_image({2.0, 3.0}, {0.0}, 1).nodes.size(), 2U);
  EXPECT_EQ(normalised_image({2.0, 3.0}, {1.0, -1.0}, 1).nodes.size(), 3U) << "the padding stays zero";
  EXPECT_EQ(normalised_image(Runs(18, 2.0), {0.0}, 0).nodes.size(), 3U) << "one for each value, not channel";
}

TEST(GraphBuilder, DropsWhatIsNotNeededAndNamesTheRest) {
  GraphBuilder graph({1, 1, 1});
  const Signal unused = graph.dense("fc", input_signal(1), {2}, {1, 1});
  graph.relu("fc", unused);
  const Signal x = graph.relu("fc", graph.dense("fc", input_signal(1), {5}, {1, 1}));
  const Network network = graph.finish(x);
  ASSERT_EQ(network.nodes.size(), 3U);
  EXPECT_EQ(network.nodes[1].name, "fc");
  EXPECT_EQ(network.nodes[2].name, "fc (2)");
}

std::string message_of(const Bytes& data) {
  const std::string file = "m";
  ProtoReader reader(file, "part", data, 100);
  try {
    while (reader.next()) continue;
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Protobuf, ReadsFieldsByHand) {
  const std::string file = "m";
  const Bytes data = bytes_of({0x08, 0x96, 0x01, 0x12, 0x02, 'h', 'i', 0x1d, 1, 2, 3, 4});
  ProtoReader reader(file, "part", data);
  EXPECT_EQ(reader.integer(*reader.next()), 150);
  const auto text = reader.next();
  EXPECT_EQ(text->number, 2U);
  EXPECT_EQ(reader.text(*text), "hi");
  EXPECT_EQ(reader.fixed32(*reader.next()), 0x04030201U);
  EXPECT_FALSE(reader.next());
}

TEST(Protobuf, MalformedFields) {
  EXPECT_EQ(message_of(bytes_of({0x12, 0x05, 'h', 'i'})),
            "m: byte 102 (part): got the end of the message after 2 bytes, wanted 5 more bytes");
  EXPECT_EQ(message_of(bytes_of({0x0b})), "m: byte 100 (part): got wire type 3, wanted 0, 1, 2 or 5");
  EXPECT_EQ(message_of(bytes_of({0x00, 0x01})), "m: byte 100 (part): got field 0, wanted a field's number");
  EXPECT_EQ(message_of(bytes_of({0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2})),
            "m: byte 101 (part): got an integer beyond 64 bits, wanted at most ten bytes");
  EXPECT_EQ(message_of(bytes_of({0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})), "no error");
}

}  // namespace
}  // namespace verissim::network
