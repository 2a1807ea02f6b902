// Exact arithmetic, the builder of graphs, and the reader of protocol buffers.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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
